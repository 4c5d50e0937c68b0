"""What a plugin answers (CNI specification 1.0.0, section 5): read as what a stranger wrote."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface, ip_network
from typing import Any, TypeVar

from weft.model.address import Address, Interface
from weft.model.address import Network as Subnet
from weft.model.errors import SystemFailure
from weft.plugins.cni.conflist import Json

_Value = TypeVar("_Value")
_DEFAULT = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_HARDWARE = 6  # octets of an Ethernet address


@dataclass(frozen=True, slots=True)
class Dns:
    """Name servers that a network comes with."""

    nameservers: tuple[Address, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What the sandbox's interface got: the first address of each family, and the next hops of its default routes.

    `mac` is "" where no plugin told it.
    """

    ipv4: IPv4Interface | None = None
    ipv6: IPv6Interface | None = None
    gateway_ipv4: IPv4Address | None = None
    gateway_ipv6: IPv6Address | None = None
    mac: str = ""
    dns: Dns = Dns()


def parse_json(output: bytes, plugin: str) -> Json:
    """Return the object that a plugin printed; SystemFailure names the plugin."""
    try:
        found = json.loads(output)
    except (ValueError, RecursionError) as error:
        shown = output[:200].decode(errors="replace").strip()
        raise _nonsense(plugin, f"what is not JSON: {shown!r}" if shown else "nothing") from error
    if not isinstance(found, dict):
        raise _nonsense(plugin, "what is no JSON object")
    return found


def parse_result(found: Json, plugin: str, link: str) -> Result:
    """Return what the sandbox's interface `link` got, by the answer of the last plugin of the list."""
    answer = _Answer(found, plugin)
    interfaces = answer.objects("interfaces")
    own = [index for index, each in enumerate(interfaces) if each.get("name") == link and each.get("sandbox")]
    addresses = [
        (answer.read(ip_interface, each.get("address"), "address"), answer.optional(ip_address, each, "gateway"))
        for each in answer.objects("ips")
        if not own or each.get("interface") in (None, *own)
    ]
    routes = [
        (answer.read(_subnet, each.get("dst"), "dst"), answer.optional(ip_address, each, "gw"))
        for each in answer.objects("routes")
    ]
    (ipv4, hop4), (ipv6, hop6) = (_first(addresses, routes, version) for version in (4, 6))
    return Result(
        ipv4=ipv4 if isinstance(ipv4, IPv4Interface) else None,
        ipv6=ipv6 if isinstance(ipv6, IPv6Interface) else None,
        gateway_ipv4=hop4 if isinstance(hop4, IPv4Address) else None,
        gateway_ipv6=hop6 if isinstance(hop6, IPv6Address) else None,
        mac=(answer.optional(_mac, interfaces[own[0]], "mac") or "") if own else "",
        dns=_dns(answer),
    )


def without_default_routes(found: Json) -> Json:
    """Return a result as plugins find it after Weft took its default routes away."""
    routes = [each for each in found.get("routes") or [] if each.get("dst") not in map(str, _DEFAULT)]
    return {**found, "routes": routes} if "routes" in found else found


def _first(
    addresses: Sequence[tuple[Interface, Address | None]], routes: Sequence[tuple[Subnet, Address | None]], version: int
) -> tuple[Interface | None, Address | None]:
    interface, named = next((each for each in addresses if each[0].version == version), (None, None))
    for destination, gateway in routes:
        if destination in _DEFAULT and destination.version == version:
            return interface, gateway or named
    return interface, None


def _dns(answer: "_Answer") -> Dns:
    found = answer.found.get("dns") or {}
    if not isinstance(found, dict):
        raise _nonsense(answer.plugin, '"dns" that is no JSON object')
    inner = _Answer(found, answer.plugin)
    servers = tuple(inner.read(ip_address, each, "nameservers") for each in inner.words("nameservers"))
    domain = inner.optional(str, found, "domain")
    # Some plugins give a domain alone: it is where names are looked for.
    return Dns(servers, inner.words("search") or ((domain,) if domain else ()), inner.words("options"))


class _Answer:
    """An object in a plugin's answer. Each method raises SystemFailure, naming the plugin, for what it cannot read."""

    def __init__(self, found: Json, plugin: str) -> None:
        self.found = found
        self.plugin = plugin

    def objects(self, key: str) -> list[Json]:
        """Return a list of objects, empty where there is none."""
        values = self.found.get(key) or []
        if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
            raise _nonsense(self.plugin, f'"{key}" that is no list of JSON objects')
        return values

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list of words, empty where there is none."""
        values = self.found.get(key) or []
        if not isinstance(values, list) or not all(isinstance(each, str) and each.isprintable() for each in values):
            raise _nonsense(self.plugin, f'"{key}" that is no list of words')
        return tuple(word for each in values for word in each.split())

    def read(self, convert: Callable[[str], _Value], value: Any, key: str) -> _Value:
        """Return a text as `convert` understands it."""
        if isinstance(value, str) and value.isprintable():
            try:
                return convert(value)
            except ValueError:
                pass
        raise _nonsense(self.plugin, f'{str(value)[:80]!r} for "{key}"')

    def optional(self, convert: Callable[[str], _Value], found: Json, key: str) -> _Value | None:
        """Return a text of `found` as `convert` understands it, None where there is none."""
        value = found.get(key)
        return None if value in (None, "") else self.read(convert, value, key)


def _subnet(text: str) -> Subnet:
    return ip_network(text, strict=False)


def _mac(text: str) -> str:
    if len(bytes.fromhex(text.replace(":", ""))) != _HARDWARE:
        raise ValueError
    return text.lower()


def _nonsense(plugin: str, what: str) -> SystemFailure:
    return SystemFailure(f"CNI plugin {plugin} answered with {what}: that is no result of the CNI specification")
