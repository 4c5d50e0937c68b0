"""The addresses of one pool: which are taken, and which is the next to hand out."""

from heapq import heappop, heappush
from ipaddress import IPv4Interface, IPv6Interface

from weft.ipam.reserved import reserved_addresses
from weft.model.address import Address, Interface
from weft.model.errors import Forbidden, InvalidParameter, Unavailable
from weft.model.network import Pool


class AddressPool:
    """Mutable state of one pool, in memory, rebuilt from the records at start.

    Hands out the lowest free address of the pool's ip-range (of its subnet where it has none). The subnet's own
    addresses (network, broadcast, subnet-router anycast), the gateway and the auxiliary addresses are never handed out.
    A request costs O(log n) of what was released before it, whatever the pool's size or fill.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        span = pool.ip_range or pool.subnet
        self._kind = IPv4Interface if pool.subnet.version == 4 else IPv6Interface
        self._cursor = int(span.network_address)  # every address of the range below it is taken, or on the heap
        self._first = self._cursor
        self._last = int(span.broadcast_address)
        self._reserved = frozenset(int(address) for address in reserved_addresses(pool))
        self._taken: set[int] = set()
        self._heap: list[int] = []
        self._on_heap: set[int] = set()

    def take(self, address: Address | None = None) -> Interface:
        """Take `address`, or the lowest free one, and return it with the subnet's prefix length.

        Raises InvalidParameter where the subnet does not contain `address`, Forbidden where it is taken or reserved,
        and Unavailable where no address is left.
        """
        number = self._lowest_free() if address is None else self._checked(address)
        self._taken.add(number)
        return self._kind((number, self.pool.subnet.prefixlen))

    def release(self, address: Address) -> None:
        """Give an address back; one that is not taken is no error."""
        number = int(address)
        if number not in self._taken:
            return
        self._taken.discard(number)
        if self._first <= number < self._cursor and number not in self._on_heap:
            heappush(self._heap, number)
            self._on_heap.add(number)

    def is_taken(self, address: Address) -> bool:
        """Whether an endpoint has this address, or it is reserved."""
        return int(address) in self._taken or int(address) in self._reserved

    @property
    def in_use(self) -> int:
        """How many addresses endpoints have taken."""
        return len(self._taken)

    def _checked(self, address: Address) -> int:
        if address.version != self.pool.subnet.version or address not in self.pool.subnet:
            raise InvalidParameter(f"no configured subnet contains IP address {address}")
        if self.is_taken(address):
            raise Forbidden("Address already in use")
        return int(address)

    def _lowest_free(self) -> int:
        while self._heap:
            number = heappop(self._heap)
            self._on_heap.discard(number)
            if number not in self._taken:  # it may have been asked for by name since it was released
                return number
        while self._cursor <= self._last:
            number = self._cursor
            self._cursor += 1
            if number not in self._taken and number not in self._reserved:
                return number
        raise Unavailable("no available addresses on this pool")
