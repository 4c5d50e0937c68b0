"""Bridge, host and none are there at every start, the bridge as daemon.json has it."""

import logging
from collections.abc import Iterable

from weft.drivers import predefined
from weft.engine.contract.environment import Environment
from weft.engine.contract.kernel import Kernel
from weft.engine.contract.records import Delete
from weft.engine.inventory import Inventory
from weft.engine.networks.predefined import NO_BRIDGE, bridge_spec, with_default_gateways
from weft.engine.networks.service import NetworkService
from weft.engine.settings import Settings
from weft.model.errors import InvalidParameter
from weft.model.network import NetworkRecord, NetworkSpec, Pool, PoolSpec
from weft.plan.operations import SetSysctl
from weft.plan.plan import Plan

_log = logging.getLogger(__name__)


class DefaultNetworks:
    """Makes the predefined networks, or the default bridge anew where its configuration changed."""

    def __init__(
        self,
        inventory: Inventory,
        kernel: Kernel,
        networks: NetworkService,
        environment: Environment,
        settings: Settings,
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._networks = networks
        self._environment = environment
        self._settings = settings

    async def ensure(self) -> None:
        """Make what is missing; raises what the driver or IPAM objects to in the configuration."""
        for spec in (predefined.host_spec(), predefined.none_spec()):
            if self._inventory.network_named(spec.name) is None:
                await self._networks.make(spec, self._environment.new_id(), predefined=True)
        await self._leave_bridged_frames_alone()
        present = self._inventory.network_named("bridge")
        if self._settings.default_bridge.device == NO_BRIDGE:
            if present is not None:
                await self._remove(present)
            return
        spec = await self._bridge_spec(present)
        if present is None:
            await self._make(spec, self._environment.new_id())
        elif not _same(present, spec):
            await self._replace(present, spec)

    async def _leave_bridged_frames_alone(self) -> None:
        """Turn br_netfilter off, which costs every frame on a bridge a pass through the firewall for nothing.

        Somebody else's bridge may need it (Kubernetes does): with one on the host it stays as it is.
        """
        facts = await self._kernel.facts()
        if not facts.bridge_netfilter:
            return
        ours = self._inventory.networks.keys()
        foreign = [link.name for link in facts.links if link.kind == "bridge" and link.alias not in ours]
        if foreign:
            _log.info("br_netfilter stays on for %s: traffic within networks passes the firewall", ", ".join(foreign))
            return
        keys = ("iptables", "ip6tables", "arptables")
        await self._kernel.apply(Plan(tuple(SetSysctl(f"net.bridge.bridge-nf-call-{key}", "0") for key in keys)))

    async def _bridge_spec(self, present: NetworkRecord | None) -> NetworkSpec:
        facts = await self._kernel.facts()
        device = self._settings.default_bridge.device or predefined.DEFAULT_BRIDGE_LINK
        link = facts.link(device)
        if link is None and self._settings.default_bridge.device:
            raise InvalidParameter(
                f"bridge: the host has no interface {device}: make it first (ip link add {device} type bridge), "
                'or leave "bridge" out of daemon.json'
            )
        addresses = link.addresses if link is not None else ()
        return bridge_spec(self._settings, self._settings.mtu or facts.default_mtu, addresses)

    async def _make(self, spec: NetworkSpec, network_id: str) -> None:
        await self._networks.make(spec, network_id, predefined=True, adjust=self._with_gateways)

    def _with_gateways(self, record: NetworkRecord) -> NetworkRecord:
        return with_default_gateways(record, self._settings.default_bridge)

    async def _replace(self, present: NetworkRecord, spec: NetworkSpec) -> None:
        """Change the default bridge, unless containers run on it: they keep the network that they have."""
        if self._networks.members(present):
            _log.warning("the default bridge keeps its configuration while containers run on it")
            return
        await self._remove(present)
        await self._make(spec, present.id)

    async def _remove(self, record: NetworkRecord) -> None:
        await self._kernel.teardown(await self._networks.removal_plan(record))
        self._inventory.commit((Delete(NetworkRecord, record.id),))


def _same(present: NetworkRecord, spec: NetworkSpec) -> bool:
    """Whether the record is what `spec` asks for; subnets that were chosen once are kept.

    After the first start the bridge's device has an address, which is asked for then as if somebody had given it.
    """
    former = present.spec
    if (former.options, former.ipv6) != (spec.options, spec.ipv6):
        return False
    return former.pools == spec.pools or all(_is_among(pool, present.pools) for pool in spec.pools)


def _is_among(wanted: PoolSpec, pools: Iterable[Pool]) -> bool:
    places = [(pool.subnet, pool.ip_range, gateway) for pool in pools for gateway in (None, pool.gateway)]
    return (wanted.subnet, wanted.ip_range, wanted.gateway) in places
