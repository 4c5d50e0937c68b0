"""Checks of --dns and --add-host values."""

from collections.abc import Iterable
from ipaddress import ip_address

from weft.model.errors import InvalidParameter

_HOST_GATEWAY = "host-gateway"


def check_dns(servers: Iterable[str]) -> None:
    """Raise InvalidParameter for a server that is no address."""
    for server in servers:
        if not _is_address(server):
            raise InvalidParameter(f"bad nameserver address: {server}: it is not an IP address")


def check_extra_hosts(hosts: Iterable[str]) -> None:
    """Raise InvalidParameter for an entry that is not `name:address` or `name:host-gateway`."""
    for host in hosts:
        name, colon, address = host.partition(":")
        if not name or not colon or not address:
            raise InvalidParameter(f'bad format for add-host: "{host}"')
        address = address.removeprefix("[").removesuffix("]")
        if address != _HOST_GATEWAY and not _is_address(address):
            raise InvalidParameter(f'invalid IP address in add-host: "{address}"')


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
