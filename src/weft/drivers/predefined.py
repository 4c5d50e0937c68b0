"""The networks that exist from the start: bridge, host and none."""

from collections.abc import Sequence
from ipaddress import IPv4Address

from weft.drivers import bridge_options as options
from weft.model.address import Address
from weft.model.network import NetworkSpec, PoolSpec

DEFAULT_BRIDGE_LINK = "docker0"
_ANYWHERE = IPv4Address(0)


def host_spec() -> NetworkSpec:
    """Return the network `host`."""
    return NetworkSpec(name="host", driver="host")


def none_spec() -> NetworkSpec:
    """Return the network `none`."""
    return NetworkSpec(name="none", driver="null")


def bridge_spec(
    *,
    pools: Sequence[PoolSpec] = (),
    ipv6: bool = False,
    link: str = DEFAULT_BRIDGE_LINK,
    icc: bool = True,
    masquerade: bool = True,
    host_binding: Address | None = None,
    mtu: int = options.DEFAULT_MTU,
) -> NetworkSpec:
    """Return the network `bridge` with the options that it reports in Docker; the arguments are daemon.json's.

    They are bip and fixed-cidr (in `pools`), ipv6, bridge, icc, ip-masq, ip and mtu.
    """
    return NetworkSpec(
        name="bridge",
        driver="bridge",
        ipv6=ipv6,
        pools=tuple(pools),
        options={
            options.DEFAULT_BRIDGE: "true",
            options.ICC: _bool(icc),
            options.MASQUERADE: _bool(masquerade),
            options.HOST_BINDING: str(host_binding or _ANYWHERE),
            options.NAME: link,
            options.MTU: str(mtu),
        },
    )


def _bool(value: bool) -> str:
    return "true" if value else "false"
