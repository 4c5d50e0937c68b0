"""A container's start and the removal of one of its networks exclude each other."""

from __future__ import annotations

import pytest

from weft.engine.networks.arrivals import Arrivals
from weft.model.endpoint import Attachment, EndpointSpec
from weft.model.errors import Forbidden, NotFound
from weft.model.network import NetworkRecord, NetworkSpec

NETWORK = NetworkRecord(id="n" * 64, created=0, spec=NetworkSpec(name="net"))
OTHER = NetworkRecord(id="o" * 64, created=0, spec=NetworkSpec(name="other"))
ATTACHMENTS = (Attachment(network_id=NETWORK.id, network_name="net", spec=EndpointSpec()),)


def test_a_network_stays_while_containers_are_being_started_on_it() -> None:
    arrivals = Arrivals()
    with arrivals.arriving(ATTACHMENTS):
        with arrivals.arriving(ATTACHMENTS):
            pass
        with pytest.raises(Forbidden, match="network net has active endpoints"), arrivals.leaving(NETWORK):
            pass
        with arrivals.leaving(OTHER):
            pass
    with arrivals.leaving(NETWORK):
        pass


def test_no_container_is_started_on_a_network_that_is_being_removed() -> None:
    arrivals = Arrivals()
    refused = pytest.raises(NotFound, match="network net not found")
    with arrivals.leaving(NETWORK), refused, arrivals.arriving(ATTACHMENTS):
        pass
    with arrivals.arriving(ATTACHMENTS):
        pass


def test_a_failure_leaves_nothing_behind() -> None:
    arrivals = Arrivals()
    with pytest.raises(OSError, match="start"), arrivals.arriving(ATTACHMENTS):
        raise OSError("start")
    with pytest.raises(OSError, match="removal"), arrivals.leaving(NETWORK):
        raise OSError("removal")
    with arrivals.arriving(ATTACHMENTS):
        pass
