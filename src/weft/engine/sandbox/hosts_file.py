"""What a container's hosts file says (hosts(5)); pure text."""

from collections.abc import Iterable

from weft.model.address import Address

_LOOPBACK = (("127.0.0.1", "localhost"),)
_LOOPBACK_IPV6 = (
    ("::1", "localhost ip6-localhost ip6-loopback"),
    ("fe00::", "ip6-localnet"),
    ("ff00::", "ip6-mcastprefix"),
    ("ff02::1", "ip6-allnodes"),
    ("ff02::2", "ip6-allrouters"),
)


def render(extra: Iterable[tuple[str, str]], own: Iterable[Address], names: str, *, ipv6: bool = True) -> str:
    """Return the file: loopback, `extra` (address, name) pairs, then `names` at each of the container's addresses."""
    lines = [*_LOOPBACK, *(_LOOPBACK_IPV6 if ipv6 else ()), *extra]
    lines += [(str(address), names) for address in own]
    return "".join(f"{address}\t{name}\n" for address, name in lines)


def own_names(hostname: str, domainname: str) -> str:
    """Return the names that stand at the container's own addresses: `host.domain host`, or `host`."""
    return f"{hostname}.{domainname} {hostname}" if domainname else hostname


def extra_entries(given: Iterable[str], host_gateways: Iterable[Address]) -> tuple[tuple[str, str], ...]:
    """Return --add-host entries `name:address` as (address, name); `host-gateway` stands for the host's addresses."""
    gateways = tuple(host_gateways)
    entries: list[tuple[str, str]] = []
    for item in given:
        name, _, address = item.partition(":")
        if address == "host-gateway":
            entries += [(str(gateway), name) for gateway in gateways]
        else:
            entries.append((address.strip("[]"), name))
    return tuple(entries)
