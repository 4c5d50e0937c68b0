"""From one endpoint's ports to others: what is in both is not touched."""

from ipaddress import ip_address

from weft.firewall.publication import Publication
from weft.firewall.publish import ports_changed
from weft.model.port import Protocol
from weft.plan.operations import AddElements, DeleteElements, Element, ForgetFlows

ANY, BOX = ip_address("0.0.0.0"), ip_address("10.0.0.2")


def port(host: int, target: int, protocol: Protocol = Protocol.TCP) -> Publication:
    return Publication(protocol, ANY, host, BOX, target)


def test_the_difference_alone() -> None:
    plan = ports_changed([port(80, 80), port(81, 81)], [port(81, 81), port(82, 80)])
    assert plan.operations == (
        DeleteElements("weft", "ports4", (Element(("tcp", "80"), ("10.0.0.2", "80")),)),
        AddElements("weft", "ports4", (Element(("tcp", "82"), ("10.0.0.2", "80")),)),
    )
    assert not ports_changed([port(80, 80)], [port(80, 80)])


def test_udp_flows_are_forgotten_by_the_port_of_the_host() -> None:
    plan = ports_changed([port(53, 53, Protocol.UDP), port(5353, 53, Protocol.UDP)], [port(53, 53, Protocol.UDP)])
    assert plan.operations[-1] == ForgetFlows(BOX, (5353,))


def test_a_long_run_that_loses_one_port() -> None:
    run = [port(number, number) for number in range(9000, 9100)]
    plan = ports_changed(run, [each for each in run if each.host_port != 9050])
    gone = [operation for operation in plan if isinstance(operation, DeleteElements)]
    assert [operation.set for operation in gone] == ["runs4"]
    added = {operation.set: len(operation.elements) for operation in plan if isinstance(operation, AddElements)}
    assert added == {"ports4": 99}
