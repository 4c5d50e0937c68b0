"""The addresses of one pool: which are taken, and which is the next to hand out."""

from collections.abc import Sequence
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
    `neighbours` are the pools of one and the same subnet, this one among them: what one holds the others do not hand
    out, nor what it reserves. A request costs O(log n) of what was released before it, whatever the pool's size or
    fill.
    """

    def __init__(self, pool: Pool, neighbours: Sequence["AddressPool"] = ()) -> None:
        self.pool = pool
        self._neighbours = neighbours
        span = pool.ip_range or pool.subnet
        self._kind = IPv4Interface if pool.subnet.version == 4 else IPv6Interface
        self._cursor = int(span.network_address)  # every address of the range below it is taken, or on the heap
        self._first = self._cursor
        self._last = int(span.broadcast_address)
        self._reserved = frozenset(int(address) for address in reserved_addresses(pool))
        self._taken: set[int] = set()
        self._heap: list[int] = []
        self._on_heap: set[int] = set()
        self._passed_over: list[int] = []  # held by a neighbour when their turn came

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
        return int(address) in self._taken or int(address) in self._reserved or self._is_neighbours(int(address))

    def has_taken(self, address: Address) -> bool:
        """Whether an endpoint has this address from this pool."""
        return int(address) in self._taken

    def holds(self, number: int) -> bool:
        """Whether an endpoint has the address of that number from this pool, or this pool reserves it."""
        return number in self._taken or number in self._reserved

    @property
    def in_use(self) -> int:
        """How many addresses endpoints have taken."""
        return len(self._taken)

    def _is_neighbours(self, number: int) -> bool:
        return any(each is not self and each.holds(number) for each in self._neighbours)

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
            if number in self._taken:  # it may have been asked for by name since it was released
                continue
            if not self._is_neighbours(number):
                return number
            self._passed_over.append(number)
        while self._cursor <= self._last:
            number = self._cursor
            self._cursor += 1
            if self._is_neighbours(number):
                self._passed_over.append(number)
            elif number not in self._taken and number not in self._reserved:
                return number
        return self._first_passed_over()

    def _first_passed_over(self) -> int:
        for place, number in enumerate(self._passed_over):
            if not self.holds(number) and not self._is_neighbours(number):
                del self._passed_over[place]
                return number
        raise Unavailable("no available addresses on this pool")
