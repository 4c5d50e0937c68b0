"""Where a repository is fetched from: its registry, and mirrors of Docker Hub before it."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from weft.model.errors import InvalidParameter
from weft.runtime.images.reference import DEFAULT_DOMAIN, Reference

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registry; `secure` demands HTTPS with a certificate that verifies, a mirror is sent no credentials."""

    host: str
    secure: bool = True
    mirror: bool = False

    def locate(self, reference: Reference) -> str:
        """Return the repository's place there, in skopeo's words without tag or digest."""
        return f"docker://{self.host}/{reference.path}"


class Endpoints:
    """Knows mirrors and insecure registries (daemon.json `registry-mirrors`, `insecure-registries`)."""

    def __init__(self, mirrors: Iterable[str], insecure: Iterable[str]) -> None:
        """Raises InvalidParameter for what is neither a mirror's URL nor a registry."""
        self._mirrors: tuple[tuple[str, bool], ...] = ()
        self._insecure: frozenset[str | _Network] = frozenset()
        self.configure(mirrors, insecure)

    def configure(self, mirrors: Iterable[str], insecure: Iterable[str]) -> None:
        """Know other ones from now on; raises InvalidParameter, and then changes nothing."""
        checked = frozenset(_insecure(text) for text in insecure)
        self._mirrors = tuple(_mirror(text) for text in mirrors)
        self._insecure = checked

    async def pull(self, reference: Reference) -> tuple[Endpoint, ...]:
        """Return the registries to ask for it, in order."""
        registry = await self.push(reference)
        if reference.domain != DEFAULT_DOMAIN:
            return (registry,)
        mirrors = []
        for host, plain in self._mirrors:
            mirrors.append(Endpoint(host, secure=not plain and await self._is_secure(host), mirror=True))
        return (*mirrors, registry)

    async def push(self, reference: Reference) -> Endpoint:
        """Return the registry to send it to."""
        return await self.registry(reference.domain)

    async def registry(self, host: str) -> Endpoint:
        """Return the registry of that host name."""
        return Endpoint(host, secure=host == DEFAULT_DOMAIN or await self._is_secure(host))

    async def _is_secure(self, host: str) -> bool:
        if host in self._insecure:
            return False
        name = urlsplit(f"//{host}").hostname or host
        networks = [*_LOOPBACK, *(entry for entry in self._insecure if not isinstance(entry, str))]
        return not any(address in network for address in await _addresses(name) for network in networks)


async def _addresses(name: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]:
    """Return a host's addresses, none if it has no name or nobody who knows it."""
    try:
        return (ipaddress.ip_address(name),)
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found)


def _insecure(text: str) -> str | _Network:
    """Return the subnet, or host[:port], that needs no verified HTTPS."""
    text = text.removeprefix("http://").removeprefix("https://").rstrip("/")
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    parts = _split(f"//{text}")
    if parts is None or not parts.hostname or parts.path or parts.query or "@" in text:
        raise InvalidParameter(f"insecure registry {text} is not valid: write host, host:port or a subnet")
    return text


def _mirror(text: str) -> tuple[str, bool]:
    """Return (host:port, whether it speaks plain HTTP)."""
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidParameter(f"invalid mirror: {text}: write it as http://host:port or https://host:port")
    if parts.path.rstrip("/") or parts.query or parts.fragment:
        raise InvalidParameter(f"invalid mirror: path, query, or fragment at end of the URI {text}")
    if parts.username is not None:
        raise InvalidParameter(f"invalid mirror: user name or password in the URI of {parts.hostname}")
    return parts.netloc, parts.scheme == "http"


def _split(text: str) -> SplitResult | None:
    """Return the parts of a URL, None if it is none."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError, too
    except ValueError:
        return None
    return parts
