"""Options of one endpoint: its interface's name and sysctls."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from weft.drivers.labels import PREFIX, parse_interface_name, read, refuse_unknown

INTERFACE_NAME = PREFIX + "endpoint.ifname"
SYSCTLS = PREFIX + "endpoint.sysctls"
# `net.X.Y.IFNAME.Z`, X being ipv4, ipv6 or mpls, in any case.
_SYSCTL = re.compile(r"net\.(ipv4|ipv6|mpls)\.([a-z0-9_]+)\.ifname\.([a-z0-9_]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """`interface_name` "" is the next free one; `sysctls` are pairs of a path with {link} in it, and a value."""

    interface_name: str = ""
    sysctls: tuple[tuple[str, str], ...] = ()

    def sysctls_of(self, link: str) -> tuple[tuple[str, str], ...]:
        """Return path below /proc/sys and value of each sysctl, for the interface `link`."""
        return tuple((path.format(link=link), value) for path, value in self.sysctls)


def endpoint_options(options: Mapping[str, str]) -> EndpointOptions:
    """Read an endpoint's driver options. Raises InvalidParameter for those that are unknown or unreadable."""
    refuse_unknown(options, (INTERFACE_NAME, SYSCTLS), "an endpoint")
    return EndpointOptions(
        interface_name=read(options, INTERFACE_NAME, parse_interface_name, ""),
        sysctls=read(options, SYSCTLS, _parse_sysctls, ()),
    )


def own_options(options: Mapping[str, str]) -> EndpointOptions:
    """Read what of a remote driver's endpoint options is Weft's part; the others are the driver's to judge."""
    return endpoint_options({key: value for key, value in options.items() if key in (INTERFACE_NAME, SYSCTLS)})


def _parse_sysctls(value: str) -> tuple[tuple[str, str], ...]:
    return tuple(_parse_sysctl(part) for part in value.split(","))


def _parse_sysctl(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    match = _SYSCTL.fullmatch(key.strip())
    if match is None or not equals or not value.strip():
        raise ValueError(f"'{text}' is not of the form net.X.Y.IFNAME.Z=V, with X one of ipv4, ipv6, mpls")
    family, group, name = (part.lower() for part in match.groups())
    return f"net/{family}/{group}/{{link}}/{name}", value.strip()
