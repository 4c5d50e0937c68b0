"""Rates, delay and loss of one endpoint, as its driver options ask for them; every driver's links have them.

Egress is what the container sends, ingress what it receives. Units are those of tc(8).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from weft.drivers.bridge_options import MTU
from weft.drivers.labels import parse_mtu, read
from weft.model.endpoint import Endpoint
from weft.model.errors import InvalidParameter
from weft.model.network import NetworkSpec
from weft.plan.operations import DelayPackets, DeleteTable, LimitRate, LoadTable, Operation
from weft.plan.plan import Plan

EGRESS_RATE = "weft.egress_rate"
INGRESS_RATE = "weft.ingress_rate"
DELAY = "weft.delay"
JITTER = "weft.jitter"
LOSS = "weft.loss"
KNOWN = (EGRESS_RATE, INGRESS_RATE, DELAY, JITTER, LOSS)

_PREFIX = "weft."
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-z]*)")
_METRIC = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SECONDS = {"s": 1, "sec": 1, "secs": 1} | dict.fromkeys(("ms", "msec", "msecs"), 1e-3)
_SECONDS |= dict.fromkeys(("us", "usec", "usecs", ""), 1e-6)
_LEAST_RATE, _MOST_RATE = 1_000, 12_500_000_000  # bytes a second: 8 kbit/s, 100 Gbit/s
_LONGEST_DELAY = 60_000_000  # microseconds
_BURSTS = 250  # a second: what is sent at once without waiting, 4 ms worth, keeps timers off the hot path
_QUEUES = 20  # a second: 50 ms worth of packets wait, more are dropped
_QUEUED_PACKETS = 8  # that wait at least, or TCP starves at a low rate
# Bytes that pass at once where nothing waits: a packet as large as the kernel hands it over, undivided (GSO). nft's
# bucket holds a second's worth and a burst (Linux net/netfilter/nft_limit.c), so a burst is needed at low rates alone.
_POLICED_AT_ONCE = 70_000
_LEAST_BURST = 1_500
_USUAL_MTU = 9000  # bytes; where a link's is not known it may be this
_FRAME = 18  # bytes of an Ethernet header with a VLAN tag


@dataclass(frozen=True, slots=True)
class Rates:
    """Bytes a second, 0 for no limit; microseconds; packets lost in a million."""

    egress: int = 0
    ingress: int = 0
    delay: int = 0
    jitter: int = 0
    loss: int = 0

    def __bool__(self) -> bool:
        return self != Rates()

    @property
    def disturbs(self) -> bool:
        """Whether packets are delayed or lost, and not only paced."""
        return bool(self.delay or self.loss)


def rates_of(options: Mapping[str, str]) -> Rates:
    """Read an endpoint's driver options. InvalidParameter for what cannot be read, is out of range or unknown."""
    unknown = sorted(key for key in options if key.startswith(_PREFIX) and key not in KNOWN)
    if unknown:
        raise InvalidParameter(
            f"an endpoint does not know the option {', '.join(unknown)}: it knows {', '.join(KNOWN)}"
        )
    rates = Rates(
        egress=read(options, EGRESS_RATE, parse_rate, 0),
        ingress=read(options, INGRESS_RATE, parse_rate, 0),
        delay=read(options, DELAY, parse_delay, 0),
        jitter=read(options, JITTER, parse_delay, 0),
        loss=read(options, LOSS, parse_loss, 0),
    )
    if rates.jitter > rates.delay:
        raise InvalidParameter(
            f"{JITTER} {options[JITTER]} is more than the delay it varies: set {DELAY} to that at least"
        )
    return rates


def parse_rate(text: str) -> int:
    """Return bytes a second: 10mbit, 1.5gbit, 500kbps, 8mibit; a bare number is bits a second (tc(8), UNITS)."""
    number, unit = _quantity(text)
    scale, bits = _rate_unit(unit)
    rate = int(number * scale / (8 if bits else 1))
    if not _LEAST_RATE <= rate <= _MOST_RATE:
        raise ValueError("a rate is from 8kbit to 100gbit")
    return rate


def _rate_unit(unit: str) -> tuple[int, bool]:
    for ending, bits in (("bit", True), ("bps", False)):
        scale = {**_METRIC, **_BINARY}.get(unit.removesuffix(ending))
        if unit.endswith(ending) and scale is not None:
            return scale, bits
    if unit in _METRIC or unit in _BINARY:  # 10m is 10mbit
        return {**_METRIC, **_BINARY}[unit], True
    raise ValueError("a rate is a number and one of bit, kbit, mbit, gbit, or bps, kbps, mbps, gbps for bytes")


def parse_delay(text: str) -> int:
    """Return microseconds: 20ms, 1.5s, 300us; a bare number is microseconds (tc(8), UNITS)."""
    number, unit = _quantity(text)
    if unit not in _SECONDS:
        raise ValueError("a time is a number and one of s, ms, us")
    delay = round(number * _SECONDS[unit] * 1e6)
    if not 1 <= delay <= _LONGEST_DELAY:
        raise ValueError("a delay is from 1us to 60s")
    return delay


def parse_loss(text: str) -> int:
    """Return packets in a million: 1%, 0.5%."""
    number, unit = _quantity(text.removesuffix("%"))
    loss = round(number * 10_000)
    if unit or not text.endswith("%") or not 1 <= loss <= 1_000_000:
        raise ValueError("a loss is from 0.0001% to 100%")
    return loss


def _quantity(text: str) -> tuple[float, str]:
    found = _QUANTITY.fullmatch(text.strip().lower())
    if found is None or len(text) > 32:
        raise ValueError("it begins with a number that is not negative")
    return float(found[1]), found[2]


def shaping(rates: Rates, spec: NetworkSpec, endpoint: Endpoint, sandbox: str) -> Plan:
    """Return what holds an endpoint's links, which are there, to its rates.

    Where the host has no end of it (macvlan), what comes too fast is dropped as it enters the sandbox.
    """
    operations: list[Operation] = []
    link, mtu = endpoint.sandbox_link, _mtu(spec)
    if rates.egress:
        operations.append(_limit(link, rates.egress, mtu, sandbox))
    if rates.disturbs:
        below = bool(rates.egress)
        operations.append(
            DelayPackets(link, rates.delay, rates.jitter, rates.loss, below_rate=below, namespace=sandbox)
        )
    if rates.ingress and endpoint.host_link:
        operations.append(_limit(endpoint.host_link, rates.ingress, mtu, ""))
    elif rates.ingress:
        operations.append(LoadTable(_table(endpoint), _police(link, rates.ingress), sandbox))
    return Plan(tuple(operations))


def unshaping(rates: Rates, endpoint: Endpoint, sandbox: str) -> Plan:
    """Return what takes away of the shaping that which does not go with the links."""
    policed = rates.ingress and not endpoint.host_link
    return Plan((DeleteTable(_table(endpoint), sandbox),)) if policed else Plan()


def _limit(link: str, rate: int, mtu: int, namespace: str) -> LimitRate:
    packet = mtu + _FRAME
    burst = max(rate // _BURSTS, packet)
    return LimitRate(link, rate, burst, max(rate // _QUEUES, _QUEUED_PACKETS * packet) + burst, namespace)


def _mtu(spec: NetworkSpec) -> int:
    return max(read(spec.options, MTU, parse_mtu, 0), _USUAL_MTU)


def _table(endpoint: Endpoint) -> str:
    return f"weft_rate_{endpoint.id[:12]}"


def _police(link: str, rate: int) -> str:
    burst = max(_POLICED_AT_ONCE - rate, _LEAST_BURST)
    return (
        "\tchain ingress {\n"
        f'\t\ttype filter hook ingress device "{link}" priority filter; policy accept;\n'
        f'\t\tlimit rate over {rate} bytes/second burst {burst} bytes counter drop comment "weft: ingress rate"\n'
        "\t}"
    )
