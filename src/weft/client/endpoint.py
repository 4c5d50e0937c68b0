"""Where a daemon listens: unix:///path or tcp://host:port, with or without TLS."""

import os.path
from collections.abc import Callable, Mapping

from weft.model.errors import InvalidParameter

DEFAULT_SOCKETS = ("/run/weft.sock", "/var/run/weft.sock")
PLAIN_PORT = 2375  # registered for the Engine API without TLS
TLS_PORT = 2376


class TlsFiles:
    """Paths of a client's certificates; "" leaves one out. `verify` checks the daemon's certificate and name."""

    __slots__ = ("authority", "certificate", "key", "verify")

    def __init__(self, *, authority: str = "", certificate: str = "", key: str = "", verify: bool = True) -> None:
        self.authority = authority
        self.certificate = certificate
        self.key = key
        self.verify = verify


class Endpoint:
    """One daemon's address: `path` for a unix socket, else `host` and `port`."""

    __slots__ = ("host", "path", "port", "text", "tls")

    def __init__(
        self, text: str, *, path: str = "", host: str = "", port: int = 0, tls: TlsFiles | None = None
    ) -> None:
        self.text = text
        self.path = path
        self.host = host
        self.port = port
        self.tls = tls


def parse_endpoint(text: str, tls: TlsFiles | None = None) -> Endpoint:
    """Return the endpoint that `text` names; raises InvalidParameter for a scheme or port that is none."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = ("unix", text) if text.startswith("/") else ("tcp", text)
    if scheme == "unix":
        path = rest or DEFAULT_SOCKETS[0]
        return Endpoint(f"unix://{path}", path=path)
    if scheme != "tcp":
        raise InvalidParameter(f"unable to parse docker host `{text}`: use unix:///path or tcp://host:port")
    host, port = _host_and_port(text, rest.split("/", 1)[0], TLS_PORT if tls else PLAIN_PORT)
    shown = f"[{host}]" if ":" in host else host
    return Endpoint(f"tcp://{shown}:{port}", host=host, port=port, tls=tls)


def _host_and_port(text: str, authority: str, default_port: int) -> tuple[str, int]:
    if authority.startswith("["):
        host, bracket, rest = authority[1:].partition("]")
        digits = rest.removeprefix(":")
        valid = bool(bracket) and (not rest or rest.startswith(":"))
    else:
        host, _, digits = authority.partition(":")
        valid = True
    port = int(digits) if digits.isdecimal() else default_port
    if not valid or (digits and not digits.isdecimal()) or not 0 < port < 65536:
        raise InvalidParameter(f"invalid port in the host address {text}: use tcp://host:port")
    return host or "127.0.0.1", port


def default_endpoint(environment: Mapping[str, str], exists: Callable[[str], bool] = os.path.exists) -> str:
    """Return the address used when none is given: WEFT_HOST, DOCKER_HOST, else the first default socket there is."""
    named = environment.get("WEFT_HOST") or environment.get("DOCKER_HOST")
    if named:
        return named
    return f"unix://{next((path for path in DEFAULT_SOCKETS if exists(path)), DEFAULT_SOCKETS[0])}"
