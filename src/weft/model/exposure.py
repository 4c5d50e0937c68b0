"""Exposure: from where a published port may be reached (`weft.publish`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from weft.model.address import Network
from weft.model.errors import InvalidParameter
from weft.model.port import ContainerPort

PUBLISH = "weft.publish"  # driver option of a network, label of a container; `weft.publish.80/tcp` is one port's label


class Reach(StrEnum):
    """Who may use a published port; the host itself always may."""

    OPEN = "open"
    LAN = "lan"  # sources with private, link-local or unique local addresses, and directly connected ones
    LOCALHOST = "localhost"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Exposure:
    """A policy; `prefixes`, of LISTED alone, do not overlap and are in order, IPv4 first."""

    reach: Reach = Reach.OPEN
    prefixes: tuple[Network, ...] = ()

    def __str__(self) -> str:
        return ",".join(map(str, self.prefixes)) if self.reach is Reach.LISTED else self.reach.value


OPEN = Exposure()
_BY_NAME = {reach.value: Exposure(reach) for reach in (Reach.OPEN, Reach.LAN, Reach.LOCALHOST)}


def parse_exposure(value: str) -> Exposure:
    """Read `open`, `lan`, `localhost`, or prefixes and addresses with commas. Raises ValueError with the reason."""
    named = _BY_NAME.get(value.strip())
    if named is not None:
        return named
    prefixes = [_prefix(part.strip()) for part in value.split(",")]
    ipv4 = collapse_addresses(prefix for prefix in prefixes if isinstance(prefix, IPv4Network))
    ipv6 = collapse_addresses(prefix for prefix in prefixes if isinstance(prefix, IPv6Network))
    return Exposure(Reach.LISTED, (*ipv4, *ipv6))


def _prefix(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(
            f'"{text}" is neither open, lan, localhost, nor a prefix such as 192.0.2.0/24 or 2001:db8::/32'
        ) from None


def check_exposure_labels(labels: Mapping[str, str]) -> None:
    """Raise InvalidParameter, naming label and value, for a container's policy that cannot be read."""
    for label, value in labels.items():
        if label == PUBLISH or label.startswith(PUBLISH + "."):
            _check_label(label, value)


def _check_label(label: str, value: str) -> None:
    try:
        if label != PUBLISH:
            _check_port(label.removeprefix(PUBLISH + "."))
        parse_exposure(value)
    except ValueError as error:
        raise InvalidParameter(f"invalid label {label}={value}: {error}") from error


def _check_port(text: str) -> None:
    number, _, protocol = text.partition("/")
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 65535 and protocol in ("tcp", "udp", "sctp")):
        raise ValueError(f"{text} is no port: write {PUBLISH}.80/tcp")


def exposure_of(
    port: ContainerPort, labels: Mapping[str, str], options: Mapping[str, str], otherwise: Exposure
) -> Exposure:
    """Return the policy that holds for a port: of its own label, the container's, the network's, or `otherwise`.

    Policies were checked when container and network were made; what cannot be read all the same is closed.
    """
    for value in (labels.get(f"{PUBLISH}.{port}"), labels.get(PUBLISH), options.get(PUBLISH)):
        if value:
            try:
                return parse_exposure(value)
            except ValueError:
                return _BY_NAME[Reach.LOCALHOST]
    return otherwise
