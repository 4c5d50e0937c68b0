"""An IPAM driver's side of the protocol: IpamDriver.*, with objects in place of JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TYPE = "RequestAddressType"
_GATEWAY = "com.docker.network.gateway"
_MAC = "com.docker.network.endpoint.macaddress"


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool: `id` is the plugin's name for it, `pool` a.b.c.d/n; `gateway` a.b.c.d/n where it comes with the pool."""

    id: str
    pool: str
    gateway: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Address:
    """A request for an address of a pool: `wanted` "" is any one, `mac` is there where `requires_mac`."""

    pool_id: str
    wanted: str = ""
    gateway: bool = False  # it is to be the network's gateway
    mac: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


class IpamDriver:
    """Override what you need; every method may raise, and its message is what the user reads."""

    kind = "IpamDriver"
    requires_mac = False
    requires_replay = False  # after a restart of the engine, ask again for all that is in use
    address_space = "local"
    global_address_space = "global"

    def request_pool(
        self, pool: str, sub_pool: str, options: Mapping[str, str], ipv6: bool, address_space: str
    ) -> Pool:
        """Return a pool: `pool` where that is not "", else one of the plugin's choice."""
        raise NotImplementedError("this plugin gives no pools")

    def release_pool(self, pool_id: str) -> None:
        """Take a pool back."""

    def request_address(self, request: Address) -> str:
        """Return an address as a.b.c.d/n."""
        raise NotImplementedError("this plugin gives no addresses")

    def release_address(self, pool_id: str, address: str) -> None:
        """Take an address back."""

    def methods(self) -> Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any] | None]]:
        """Return the protocol's methods."""
        return {
            "GetCapabilities": self._capabilities,
            "GetDefaultAddressSpaces": self._spaces,
            "RequestPool": self._request_pool,
            "ReleasePool": lambda body: self.release_pool(body["PoolID"]),
            "RequestAddress": self._request_address,
            "ReleaseAddress": lambda body: self.release_address(body["PoolID"], body["Address"]),
        }

    def _capabilities(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"RequiresMACAddress": self.requires_mac, "RequiresRequestReplay": self.requires_replay}

    def _spaces(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "LocalDefaultAddressSpace": self.address_space,
            "GlobalDefaultAddressSpace": self.global_address_space,
        }

    def _request_pool(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        pool = self.request_pool(
            body.get("Pool") or "",
            body.get("SubPool") or "",
            body.get("Options") or {},
            bool(body.get("V6")),
            body.get("AddressSpace") or "",
        )
        data = {**pool.data, **({_GATEWAY: pool.gateway} if pool.gateway else {})}
        return {"PoolID": pool.id, "Pool": pool.pool, "Data": data}

    def _request_address(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        options = body.get("Options") or {}
        request = Address(
            pool_id=body["PoolID"],
            wanted=body.get("Address") or "",
            gateway=options.get(_TYPE) == _GATEWAY,
            mac=options.get(_MAC) or "",
            options=options,
        )
        return {"Address": self.request_address(request), "Data": {}}
