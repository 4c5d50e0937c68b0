"""Which networks the host's firewall knows."""

from weft.drivers.contract import Driver, Segmented
from weft.model.network import NetworkRecord
from weft.model.segment import Segment


def segment_of(driver: Driver, record: NetworkRecord) -> Segment | None:
    """Return what the firewall must know of a network; None where the host does not forward for it.

    A bridge on which somebody else gives addresses is a wire that the host has a part of, as its other machines do.
    """
    return driver.segment(record) if isinstance(driver, Segmented) and not record.spec.leases_addresses else None
