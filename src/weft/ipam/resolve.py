"""From what a network asks for to the pools it gets."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from weft.ipam.default_pools import DefaultPool, usable_pools
from weft.ipam.free_space import Occupied, first_free
from weft.ipam.pool import AddressPool
from weft.ipam.reserved import subnet_addresses
from weft.ipam.validation import check_pools, is_preference
from weft.model.address import Address
from weft.model.address import Network as Subnet
from weft.model.errors import Forbidden, InvalidParameter
from weft.model.network import NetworkSpec, Pool, PoolSpec

_NAMED_OBSTACLES = 5  # how many collisions an error lists before it only counts them


@dataclass(frozen=True, slots=True)
class _Claim:
    """A subnet that is taken, and by whom, in words."""

    subnet: Subnet
    holder: str
    shared: bool = False  # with pools that have a range of their own
    ip_range: Subnet | None = None

    def excludes(self, subnet: Subnet, ip_range: Subnet | None) -> bool:
        """Whether another subnet, of which `ip_range` is used, cannot be had beside it."""
        if subnet.version != self.subnet.version or not subnet.overlaps(self.subnet):
            return False
        return not self.shared or ip_range is None or (subnet, ip_range) == (self.subnet, self.ip_range)


def resolve_pools(
    spec: NetworkSpec,
    *,
    host_id: str,
    default_pools: Iterable[tuple[Subnet, int]] = (),
    allocated: Iterable[tuple[str, Subnet]] = (),
    host_routes: Iterable[Subnet] = (),
    without_gateway: Collection[int] = (),
    shared: Iterable[tuple[str, Pool]] = (),
) -> tuple[Pool, ...]:
    """Return the pools of a new network, IPv4 before IPv6; a family that is enabled and names no subnet gets one.

    `default_pools` is daemon.json's default-address-pools as base and prefix length of a subnet, empty for Docker's.
    `allocated` are the subnets of the existing networks with their names. Subnets chosen here also keep clear of
    `host_routes`; those a user names need not, as in Docker. IP versions in `without_gateway` get a gateway only where
    the user names one.
    A pool with an ip-range may lie in a subnet of `shared`, pools of existing networks with their names.

    Raises InvalidParameter for what does not fit together and when no default subnet is left, Forbidden where a subnet
    is taken; both name what stands in the way.
    """
    if not spec.ipv4 and not spec.ipv6:
        raise InvalidParameter("IPv4 or IPv6 must be enabled")
    enabled = [version for version, on in ((4, spec.ipv4), (6, spec.ipv6)) if on]
    check_pools(pool for pool in spec.pools if pool.subnet is None or pool.subnet.version in enabled)
    search = _Search(usable_pools(default_pools, host_id), allocated, host_routes, shared)
    wanted = list(_wanted(spec, enabled))
    # Named subnets first, so that a chosen one never takes the place of a named one further down.
    named = {
        index: search.claim(pool.subnet, pool.ip_range)
        for index, (_, pool) in enumerate(wanted)
        if pool.subnet is not None and not is_preference(pool.subnet)
    }
    pools = []
    for index, (version, pool) in enumerate(wanted):
        preferred = None if pool.subnet is None or pool.subnet.prefixlen == 0 else pool.subnet.prefixlen
        subnet = named[index] if index in named else search.choose(version, preferred)
        pools.append(_pool(pool, subnet, chosen=index not in named, needs_gateway=version not in without_gateway))
    return tuple(pools)


def _wanted(spec: NetworkSpec, enabled: Iterable[int]) -> Iterator[tuple[int, PoolSpec]]:
    for version in enabled:
        pools = [pool for pool in spec.pools if pool.subnet is not None and pool.subnet.version == version]
        yield from ((version, pool) for pool in pools or [PoolSpec()])


class _Search:
    """Subnets taken so far, those of the network under way included."""

    def __init__(
        self,
        pools: Sequence[DefaultPool],
        allocated: Iterable[tuple[str, Subnet]],
        host_routes: Iterable[Subnet],
        shared: Iterable[tuple[str, Pool]],
    ) -> None:
        self._pools = pools
        self._networks = [_Claim(subnet, f'network "{name}"') for name, subnet in allocated]
        self._networks += [_Claim(pool.subnet, f'network "{name}"', True, pool.ip_range) for name, pool in shared]
        self._routes = [_Claim(subnet, "a route of the host") for subnet in host_routes if subnet.prefixlen > 0]

    def claim(self, subnet: Subnet, ip_range: Subnet | None) -> Subnet:
        """Take a subnet that the user named."""
        for claim in self._networks:
            if claim.excludes(subnet, ip_range):
                raise Forbidden(
                    "invalid pool request: Pool overlaps with other one on this address space: "
                    f"{subnet} overlaps {claim.subnet} of {claim.holder}; choose another subnet"
                )
        self._networks.append(_Claim(subnet, "this same network"))
        return subnet

    def choose(self, version: int, prefix: int | None) -> Subnet:
        """Take the first free default subnet, of the default size where `prefix` is None."""
        claims = [claim for claim in (*self._networks, *self._routes) if claim.subnet.version == version]
        occupied = Occupied(claim.subnet for claim in claims)
        pools = [pool for pool in self._pools if pool.base.version == version]
        for pool in pools:
            subnet = first_free(pool.base, pool.size if prefix is None else prefix, occupied)
            if subnet is not None:
                self._networks.append(_Claim(subnet, "this same network"))
                return subnet
        raise InvalidParameter(_exhausted(version, pools, claims))


def _exhausted(version: int, pools: Sequence[DefaultPool], claims: Sequence[_Claim]) -> str:
    in_the_way = [claim for claim in claims if any(claim.subnet.overlaps(pool.base) for pool in pools)]
    named = ", ".join(f"{claim.subnet} of {claim.holder}" for claim in in_the_way[:_NAMED_OBSTACLES])
    more = f" and {len(in_the_way) - _NAMED_OBSTACLES} more" if len(in_the_way) > _NAMED_OBSTACLES else ""
    reason = f"taken by {named}{more}" if named else f"no default pool holds an IPv{version} subnet of this size"
    return (
        f"all predefined address pools have been fully subnetted: {reason}; "
        "name a subnet, remove unused networks, or extend default-address-pools"
    )


def _pool(wanted: PoolSpec, subnet: Subnet, *, chosen: bool, needs_gateway: bool) -> Pool:
    aux_addresses = dict(sorted(wanted.aux_addresses.items()))
    _check_distinct(wanted.gateway, aux_addresses, subnet)
    pool = Pool(
        subnet=subnet,
        ip_range=wanted.ip_range,
        gateway=wanted.gateway,
        aux_addresses=aux_addresses,
        chosen=chosen,
    )
    if pool.gateway is None and needs_gateway:
        return replace(pool, gateway=AddressPool(pool).take().ip)
    return pool


def _check_distinct(gateway: Address | None, aux_addresses: Mapping[str, Address], subnet: Subnet) -> None:
    taken = set(subnet_addresses(subnet))
    wanted = [] if gateway is None else [(f"gateway ({gateway})", gateway)]
    wanted += [(f"secondary ip address ({name}:{address})", address) for name, address in aux_addresses.items()]
    for what, address in wanted:
        if address in taken:
            raise Forbidden(f"failed to allocate {what}: Address already in use")
        taken.add(address)
