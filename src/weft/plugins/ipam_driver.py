"""IPAM drivers of plugin protocol v1: IpamDriver.* (moby, libnetwork/docs/ipam.md)."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft.engine.contract.remote import AddressRequest
from weft.model.address import Address, Interface
from weft.model.address import Network as Subnet
from weft.model.endpoint import Endpoint
from weft.model.errors import InvalidParameter, SystemFailure, WeftError
from weft.model.network import NetworkRecord, NetworkSpec, Pool, PoolSpec
from weft.plugins.answer import Answer
from weft.plugins.client import Client

_log = logging.getLogger(__name__)
_GATEWAY = "com.docker.network.gateway"
_MAC = "com.docker.network.endpoint.macaddress"
_TYPE = "RequestAddressType"
_ATTEMPTS = 64  # pools that collide with routes of the host and are held while another is asked for


@dataclass(frozen=True, slots=True)
class _Held:
    """A pool that the plugin gave."""

    handle: str
    subnet: Subnet
    data: Mapping[str, str]
    gateway: Address | None


class V1IpamDriver:
    """Implements RemoteIpam."""

    def __init__(self, client: Client, capabilities: Answer, spaces: Answer) -> None:
        self._client = client
        self._requires_mac = capabilities.flag("RequiresMACAddress")
        self._requires_replay = capabilities.flag("RequiresRequestReplay")
        self._space = spaces.text("LocalDefaultAddressSpace")

    @classmethod
    async def open(cls, client: Client) -> "V1IpamDriver":
        """Return the driver once its capabilities, which it need not have, and its address space are known."""
        try:
            capabilities = await client.call("IpamDriver.GetCapabilities", {})
        except SystemFailure as error:
            _log.debug("plugin %s has no IPAM capabilities: %s", client.name, error.message)
            capabilities = Answer(f"plugin {client.name}", {})
        return cls(client, capabilities, await client.call("IpamDriver.GetDefaultAddressSpaces", {}))

    async def _call(self, method: str, body: Mapping[str, Any], *, retry: bool = True) -> Answer:
        return await self._client.call(f"IpamDriver.{method}", body, retry=retry)

    async def requires_mac(self) -> bool:
        return self._requires_mac

    # ── pools ──

    async def request_pools(
        self,
        spec: NetworkSpec,
        *,
        host_routes: Iterable[Subnet] = (),
        without_gateway: Collection[int] = (),
        taken: Callable[[Pool], None] = lambda _: None,
    ) -> tuple[Pool, ...]:
        routes = tuple(route for route in host_routes if route.prefixlen)
        done: list[Pool] = []
        try:
            for version, enabled in ((4, spec.ipv4), (6, spec.ipv6)):
                wanted = [pool for pool in spec.pools if _version(pool) == version] or [PoolSpec()]
                for each in wanted if enabled else ():
                    held = await self._free_pool(spec, version, each, routes, taken)
                    done.append(await self._pool(held, each, version not in without_gateway))
        except BaseException:
            for pool in done:
                await self._release_quietly(pool)
            raise
        return tuple(done)

    async def _pool(self, held: _Held, wanted: PoolSpec, needs_gateway: bool) -> Pool:
        pool = Pool(
            subnet=held.subnet,
            ip_range=wanted.ip_range,
            chosen=wanted.subnet is None,
            handle=held.handle,
            data=held.data,
        )
        aux: dict[str, Address] = {}
        gateway: Address | None = None
        try:
            gateway = await self._gateway(held, wanted.gateway, needs_gateway)
            for name, address in wanted.aux_addresses.items():
                aux[name] = await self._reserve(pool, address, f"secondary ip address ({name}:{address})")
        except BaseException:
            await self._release_quietly(_completed(pool, gateway, aux))
            raise
        return _completed(pool, gateway, aux)

    async def _gateway(self, held: _Held, wanted: Address | None, needed: bool) -> Address | None:
        """Return the gateway: the user's, the one that came with the pool, or one asked for."""
        if wanted is None and (held.gateway is not None or not needed):
            return held.gateway
        pool = Pool(subnet=held.subnet, handle=held.handle)
        return await self._reserve(pool, wanted, f"gateway ({wanted or ''})", {_TYPE: _GATEWAY})

    async def _reserve(
        self, pool: Pool, wanted: Address | None, what: str, options: Mapping[str, str] | None = None
    ) -> Address:
        try:
            interface = await self._address(pool, wanted, options or {})
        except SystemFailure as error:
            raise SystemFailure(f"failed to allocate {what}: {error.message}") from error
        if interface is None:
            raise SystemFailure(f"failed to allocate {what}: plugin {self._client.name} gave none")
        return interface.ip

    async def _free_pool(
        self,
        spec: NetworkSpec,
        version: int,
        wanted: PoolSpec,
        routes: Sequence[Subnet],
        taken: Callable[[Pool], None],
    ) -> _Held:
        """Ask for a pool until one collides with no route of the host; those that do are held until then."""
        rejected: list[_Held] = []
        try:
            for _ in range(_ATTEMPTS):
                held = await self._request_pool(spec, version, wanted)
                taken(Pool(subnet=held.subnet, handle=held.handle, data=held.data))
                collides = any(route.version == version and route.overlaps(held.subnet) for route in routes)
                if wanted.subnet is not None or not collides:
                    return held
                rejected.append(held)
            raise SystemFailure(
                f"plugin {self._client.name} offers only pools that collide with routes of the host, "
                f"{rejected[0].subnet} for one: name a subnet"
            )
        finally:
            for each in rejected:
                await self._release_quietly(Pool(subnet=each.subnet, handle=each.handle))

    async def _request_pool(self, spec: NetworkSpec, version: int, wanted: PoolSpec) -> _Held:
        if wanted.ip_range is not None and wanted.subnet is None:
            raise InvalidParameter("every ip-range must have a corresponding subnet")
        body = {
            "AddressSpace": self._space,
            "Pool": "" if wanted.subnet is None else str(wanted.subnet),
            "SubPool": "" if wanted.ip_range is None else str(wanted.ip_range),
            "Options": dict(spec.ipam_options),
            "V6": version == 6,
        }
        answer = await self._call("RequestPool", body)
        handle = answer.text("PoolID")
        try:
            found = answer.interface("Pool", version)
            if not handle or found is None or (wanted.subnet is not None and found.network != wanted.subnet):
                raise answer.refuse("Pool" if handle else "PoolID", f"what was asked for ({body['Pool'] or 'a pool'})")
            data = answer.pairs("Data")
            gateway = Answer(answer.where, {_GATEWAY: data.get(_GATEWAY)}).interface(_GATEWAY, version)
        except WeftError:
            if handle:
                await self._release_handle(handle)
            raise
        return _Held(handle, found.network, data, gateway.ip if gateway is not None else None)

    async def _release_quietly(self, pool: Pool) -> None:
        try:
            await self._release_pool(pool)
        except WeftError as error:
            _log.warning("giving back pool %s: %s", pool.subnet, error.message)

    async def _release_handle(self, handle: str) -> None:
        try:
            await self._call("ReleasePool", {"PoolID": handle}, retry=False)
        except WeftError as error:
            _log.warning("giving back a pool: %s", error.message)

    async def _release_pool(self, pool: Pool) -> None:
        for address in (pool.gateway, *pool.aux_addresses.values()):
            if address is not None and pool.data.get(_GATEWAY, "").partition("/")[0] != str(address):
                await self._call("ReleaseAddress", {"PoolID": pool.handle, "Address": str(address)}, retry=False)
        await self._call("ReleasePool", {"PoolID": pool.handle}, retry=False)

    async def release_pools(self, pools: Iterable[Pool]) -> None:
        problems: list[WeftError] = []
        for pool in pools:
            try:
                await self._release_pool(pool)
            except WeftError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    # ── addresses ──

    async def request_address(self, request: AddressRequest) -> Interface | None:
        options = {_MAC: request.mac} if request.mac else {}
        return await self._address(request.pool, request.wanted, options)

    async def _address(self, pool: Pool, wanted: Address | None, options: Mapping[str, str]) -> Interface | None:
        text = "" if wanted is None else str(wanted)
        answer = await self._call("RequestAddress", {"PoolID": pool.handle, "Address": text, "Options": dict(options)})
        interface = answer.interface("Address", pool.subnet.version)
        if interface is None:
            return None
        if (wanted is not None and interface.ip != wanted) or interface.ip not in pool.subnet:
            await self._release_one(pool, interface.ip)
            raise answer.refuse("Address", f"{wanted}" if wanted is not None else f"within {pool.subnet}")
        return interface

    async def _release_one(self, pool: Pool, address: Address) -> None:
        try:
            await self._call("ReleaseAddress", {"PoolID": pool.handle, "Address": str(address)}, retry=False)
        except WeftError as error:
            _log.warning("giving back address %s: %s", address, error.message)

    async def release_address(self, network: NetworkRecord, endpoint: Endpoint, interface: Interface) -> None:
        pool = _pool_of(network, interface)
        if pool is not None:
            body = {"PoolID": pool.handle, "Address": str(interface.ip)}
            await self._call("ReleaseAddress", body, retry=False)

    # ── after a restart ──

    async def restore(self, networks: Sequence[NetworkRecord], endpoints: Sequence[Endpoint]) -> None:
        if not self._requires_replay:
            return
        for network in networks:
            for pool in network.pools:
                await self._replay_pool(network, pool)
        by_id = {network.id: network for network in networks}
        for endpoint in endpoints:
            for interface in (endpoint.ipv4, endpoint.ipv6):
                found = None if interface is None else _pool_of(by_id[endpoint.network_id], interface)
                if interface is not None and found is not None:
                    options = {_MAC: endpoint.mac_address} if endpoint.mac_address and self._requires_mac else {}
                    await self._address(found, interface.ip, options)

    async def _replay_pool(self, network: NetworkRecord, pool: Pool) -> None:
        wanted = PoolSpec(subnet=pool.subnet, ip_range=pool.ip_range)
        held = await self._request_pool(network.spec, pool.subnet.version, wanted)
        if held.handle != pool.handle:
            _log.warning("plugin %s calls pool %s now %s", self._client.name, pool.handle, held.handle)
        if pool.gateway is not None and held.gateway != pool.gateway:
            await self._reserve(pool, pool.gateway, f"gateway ({pool.gateway})", {_TYPE: _GATEWAY})
        for name, address in pool.aux_addresses.items():
            await self._reserve(pool, address, f"secondary ip address ({name}:{address})")


def _completed(pool: Pool, gateway: Address | None, aux: Mapping[str, Address]) -> Pool:
    return Pool(
        subnet=pool.subnet,
        ip_range=pool.ip_range,
        gateway=gateway,
        aux_addresses=dict(sorted(aux.items())),
        chosen=pool.chosen,
        handle=pool.handle,
        data=pool.data,
    )


def _version(pool: PoolSpec) -> int:
    return 4 if pool.subnet is None else pool.subnet.version


def _pool_of(network: NetworkRecord, interface: Interface) -> Pool | None:
    return next((pool for pool in network.pools if interface.ip in pool.subnet), None)
