"""What flags of `weft run` check while they are parsed: ValueError with docker's texts."""

from __future__ import annotations

import ipaddress
import re

_DOMAIN = re.compile(r"(?:[a-zA-Z0-9_-]{1,63}\.)*[a-zA-Z0-9_-]{1,63}\.?")


def attach(value: str) -> str:
    stream = value.lower()
    if stream not in ("stdin", "stdout", "stderr"):
        raise ValueError("valid streams are STDIN, STDOUT and STDERR")
    return stream


def ip_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.strip()))
    except ValueError:
        raise ValueError(f"IP address is not correctly formatted: {value}") from None


def search_domain(value: str) -> str:
    """A lone dot empties the search list."""
    domain = value.strip()
    if domain != "." and (not _DOMAIN.fullmatch(domain) or len(domain) > 255):
        raise ValueError(f"{value} is not a valid domain")
    return domain


def extra_host(value: str) -> str:
    """host:ip or host=ip; an IPv6 address may stand in brackets."""
    separator = "=" if "=" in value else ":"
    name, found, address = value.partition(separator)
    if not found or not name:
        raise ValueError(f'bad format for add-host: "{value}"')
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    if address != "host-gateway":
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ValueError(f'invalid IP address in add-host: "{address}"') from None
    return f"{name}:{address}"
