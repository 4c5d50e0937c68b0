"""The networks that are always there: bridge, host and none."""

from dataclasses import replace

from weft.drivers import predefined
from weft.drivers.bridge import DEFAULT_GATEWAY_AUX
from weft.engine.settings import DefaultBridge, Settings
from weft.model.address import Address, Interface
from weft.model.address import Network as Subnet
from weft.model.errors import InvalidParameter
from weft.model.network import NetworkRecord, NetworkSpec, Pool, PoolSpec

NO_BRIDGE = "none"


def bridge_spec(settings: Settings, mtu: int, present: tuple[Interface, ...]) -> NetworkSpec:
    """Return the default bridge's spec from daemon.json; `present` are the addresses its device has already.

    Subnets come from bip, else the device's address, else fixed-cidr, else the pools (engine reference, docker0).
    """
    bridge = settings.default_bridge
    pools = [_pool_spec(bridge.bip, _first(present, 4), bridge.fixed_cidr)]
    if bridge.ipv6:
        pools.append(_pool_spec(bridge.bip6, _first(present, 6), bridge.fixed_cidr_v6))
    spec = predefined.bridge_spec(
        pools=tuple(pool for pool in pools if pool is not None),
        ipv6=bridge.ipv6,
        link=bridge.device or predefined.DEFAULT_BRIDGE_LINK,
        icc=bridge.icc,
        masquerade=bridge.masquerade,
        host_binding=settings.host_binding,
        mtu=mtu,
    )
    return replace(spec, options={**settings.network_options.get("bridge", {}), **spec.options})


def _first(present: tuple[Interface, ...], version: int) -> Interface | None:
    usable = (each for each in present if each.version == version and not each.ip.is_link_local)
    return next(usable, None)


def _pool_spec(given: Interface | None, present: Interface | None, fixed: Subnet | None) -> PoolSpec | None:
    if given is None and present is not None and (fixed is None or _within(fixed, present.network)):
        given = present
    if given is not None:
        span = fixed if fixed is not None and fixed != given.network else None
        if span is not None and not _within(span, given.network):
            raise InvalidParameter(f"fixed-cidr {span} is not within bip's subnet {given.network}: correct one of them")
        return PoolSpec(subnet=given.network, gateway=given.ip, ip_range=span)
    if fixed is not None:
        return PoolSpec(subnet=fixed, ip_range=fixed)
    return None


def _within(inner: Subnet, outer: Subnet) -> bool:
    if inner.version != outer.version or inner.prefixlen < outer.prefixlen:
        return False
    return inner.supernet(new_prefix=outer.prefixlen) == outer


def with_default_gateways(record: NetworkRecord, bridge: DefaultBridge) -> NetworkRecord:
    """Return the default bridge with daemon.json's default-gateway(-v6), used in place of the bridge's address."""
    given: dict[int, Address | None] = {4: bridge.gateway, 6: bridge.gateway_v6}
    return replace(record, pools=tuple(_with_gateway(pool, given[pool.subnet.version]) for pool in record.pools))


def _with_gateway(pool: Pool, gateway: Address | None) -> Pool:
    if gateway is None:
        return pool
    return replace(pool, aux_addresses={**pool.aux_addresses, DEFAULT_GATEWAY_AUX[pool.subnet.version]: gateway})
