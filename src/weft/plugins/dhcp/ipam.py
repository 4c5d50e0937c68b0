"""The IPAM driver `dhcp`: no pools of ours, and no address before the interface is on the wire."""

from collections.abc import Callable, Collection, Iterable, Sequence

from weft.engine.contract.remote import AddressRequest
from weft.model.address import Interface
from weft.model.address import Network as Subnet
from weft.model.endpoint import Endpoint
from weft.model.errors import InvalidParameter
from weft.model.network import NetworkRecord, NetworkSpec, Pool

_DRIVERS = ("bridge", "macvlan")


class DhcpIpam:
    """Implements weft.engine.contract.remote.RemoteIpam; addresses come by weft.engine.contract.leases."""

    async def requires_mac(self) -> bool:
        """Whether addresses go by MAC: servers know their clients by it."""
        return True

    async def request_pools(
        self,
        spec: NetworkSpec,
        *,
        host_routes: Iterable[Subnet] = (),
        without_gateway: Collection[int] = (),
        taken: Callable[[Pool], None] = lambda _: None,
    ) -> tuple[Pool, ...]:
        """Return no pools; InvalidParameter for what a DHCP server decides, or what has no wire."""
        if spec.driver not in _DRIVERS:
            raise InvalidParameter(
                f"the dhcp IPAM driver serves networks of the drivers {' and '.join(_DRIVERS)}, not {spec.driver}"
            )
        if spec.pools:
            raise InvalidParameter(
                "the dhcp IPAM driver takes no --subnet, --ip-range, --gateway or --aux-address: "
                "the DHCP server decides"
            )
        if spec.ipam_options:
            option = sorted(spec.ipam_options)[0]
            raise InvalidParameter(f"the dhcp IPAM driver has no option {option!r}: leave out --ipam-opt")
        if spec.ipv6 or not spec.ipv4:
            raise InvalidParameter("the dhcp IPAM driver gives IPv4 addresses alone: leave out --ipv6 and --ipv4=false")
        if spec.internal:
            raise InvalidParameter("the dhcp IPAM driver needs a wire with a server on it: leave out --internal")
        _check_way_out(spec)
        return ()

    async def release_pools(self, pools: Iterable[Pool]) -> None:
        """Do nothing: there are none."""

    async def request_address(self, request: AddressRequest) -> Interface | None:
        """Return none: the interface has to be there first."""
        return None

    async def release_address(self, network: NetworkRecord, endpoint: Endpoint, interface: Interface) -> None:
        """Do nothing: the client gives the address back before its interface goes."""

    async def restore(self, networks: Sequence[NetworkRecord], endpoints: Sequence[Endpoint]) -> None:
        """Do nothing: clients that run are found again by weft.engine.contract.leases."""


def _check_way_out(spec: NetworkSpec) -> None:
    if spec.driver == "macvlan" and not spec.options.get("parent"):
        raise InvalidParameter("the dhcp IPAM driver needs a wire with a server on it: give -o parent=INTERFACE")
    if spec.driver == "bridge" and not spec.options.get("com.docker.network.bridge.name"):
        raise InvalidParameter(
            "the dhcp IPAM driver needs a wire with a server on it: give -o com.docker.network.bridge.name=BRIDGE, "
            "a bridge of the host that an interface on that wire is a port of"
        )
