"""Where the API listens: `-H` in dockerd's forms."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from weft.model.errors import InvalidParameter

DEFAULT_UNIX = "/run/weft.sock"
PLAIN_PORT, TLS_PORT = 2375, 2376
_DEFAULT_TCP_HOST = "localhost"
_NUMBER = re.compile(r"\d{1,5}")


@dataclass(frozen=True, slots=True)
class UnixHost:
    """A unix socket."""

    path: str

    def __str__(self) -> str:
        return f"unix://{self.path}"


@dataclass(frozen=True, slots=True)
class TcpHost:
    """A TCP address; `host` is a name or an address, "" stands for none."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"tcp://[{self.host}]:{self.port}" if ":" in self.host else f"tcp://{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class InheritedHost:
    """Sockets that systemd passed (sd_listen_fds(3)); `number` is one descriptor, None is all of them."""

    number: int | None = None

    def __str__(self) -> str:
        return "fd://" if self.number is None else f"fd://{self.number}"


Host = UnixHost | TcpHost | InheritedHost


def parse_host(text: str, *, tls: bool = False) -> Host:
    """Return what `-H` names; a bare address is TCP. The port left out is 2376 with TLS, 2375 without."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        scheme, rest = "tcp", scheme
    match scheme:
        case "unix":
            return _unix(rest or DEFAULT_UNIX, text)
        case "fd":
            return _inherited(rest, text)
        case "tcp":
            return _tcp(rest, text, TLS_PORT if tls else PLAIN_PORT)
    raise InvalidParameter(f"Invalid bind address format: {text}")


def _unix(path: str, text: str) -> UnixHost:
    if not path.startswith("/"):
        raise InvalidParameter(f"Invalid bind address format: {text}: the path is not absolute")
    return UnixHost(path)


def _inherited(rest: str, text: str) -> InheritedHost:
    if rest in ("", "*"):
        return InheritedHost()
    if not _NUMBER.fullmatch(rest) or int(rest) < 3:
        raise InvalidParameter(f"Invalid bind address format: {text}: descriptors that systemd passes begin at 3")
    return InheritedHost(int(rest))


def _tcp(rest: str, text: str, default_port: int) -> TcpHost:
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
    except ValueError:
        raise InvalidParameter(f"Invalid bind address format: {text}") from None
    if "@" in rest or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise InvalidParameter(f"Invalid bind address format: {text}")
    return TcpHost(parts.hostname or _DEFAULT_TCP_HOST, default_port if port is None else port)
