"""Reading the bridge driver's options, and Docker's words where they cannot be read."""

from ipaddress import ip_address

import pytest

from weft.drivers.bridge_options import BridgeOptions, GatewayMode, bridge_options
from weft.drivers.predefined import bridge_spec
from weft.model.errors import InvalidParameter
from weft.model.exposure import Exposure, Reach
from weft.model.network import NetworkSpec

BRIDGE = "com.docker.network.bridge."


def options(*, internal: bool = False, **given: str) -> BridgeOptions:
    named = {label.replace("__", "."): value for label, value in given.items()}
    prefixed = {f"com.docker.network.{label}": value for label, value in named.items()}
    return bridge_options(NetworkSpec(name="n", internal=internal, options=prefixed))


def refusal(label: str, value: str, *, internal: bool = True) -> str:
    with pytest.raises(InvalidParameter) as caught:
        bridge_options(NetworkSpec(name="n", internal=internal, options={label: value}))
    return caught.value.message


def test_defaults() -> None:
    assert options() == BridgeOptions()


def test_all_of_them() -> None:
    read = options(
        internal=True,
        bridge__name="br.7",
        bridge__enable_icc="F",
        bridge__enable_ip_masquerade="0",
        bridge__host_binding_ipv4="192.168.10.1",
        bridge__gateway_mode_ipv4="isolated",
        bridge__gateway_mode_ipv6="nat-unprotected",
        bridge__inhibit_ipv4="t",
        bridge__trusted_host_interfaces="eth1:wlan0:eth1",
        bridge__host_binding_ipv6="2001:db8::1",
        advertise_addr_nmsgs="0",
        advertise_addr_ms="2000",
        bridge__default_bridge="true",
        driver__mtu="9000",
        container_iface_prefix="net",
        host_ipv4="192.0.2.1",
        host_ipv6="2001:db8::1",
        enable_ipv6="true",
    )
    assert read == BridgeOptions(
        name="br.7",
        default_bridge=True,
        icc=False,
        masquerade=False,
        host_binding=ip_address("192.168.10.1"),
        mode_ipv4=GatewayMode.ISOLATED,
        mode_ipv6=GatewayMode.NAT_UNPROTECTED,
        inhibit_ipv4=True,
        trusted=("eth1", "wlan0"),
        host_binding_ipv6=ip_address("2001:db8::1"),  # type: ignore[arg-type]
        advertisements=0,
        advertise_interval=2000,
        mtu=9000,
        interface_prefix="net",
        source_ipv4=ip_address("192.0.2.1"),  # type: ignore[arg-type]
        source_ipv6=ip_address("2001:db8::1"),  # type: ignore[arg-type]
    )


def test_binding_everywhere_is_no_binding() -> None:
    assert options(bridge__host_binding_ipv4="0.0.0.0").host_binding is None


def test_empty_values_and_an_mtu_of_zero_are_defaults() -> None:
    assert options(bridge__enable_icc="", driver__mtu="0", bridge__gateway_mode_ipv4="") == BridgeOptions()


@pytest.mark.parametrize(
    ("label", "value", "reason"),
    [
        (BRIDGE + "enable_icc", "yes", 'strconv.ParseBool: parsing "yes": invalid syntax'),
        (BRIDGE + "enable_ip_masquerade", "2", 'strconv.ParseBool: parsing "2": invalid syntax'),
        (BRIDGE + "inhibit_ipv4", "tRUE", 'strconv.ParseBool: parsing "tRUE": invalid syntax'),
        (BRIDGE + "host_binding_ipv4", "localhost", "nil ip"),
        (BRIDGE + "gateway_mode_ipv4", "bridge", "unknown gateway mode bridge"),
        (BRIDGE + "host_binding_ipv6", "192.0.2.1", "not an IPv6 address"),
        ("com.docker.network.advertise_addr_nmsgs", "4", "must be in the range 0 to 3"),
        ("com.docker.network.advertise_addr_nmsgs", "-1", "must be in the range 0 to 3"),
        ("com.docker.network.advertise_addr_ms", "2001", "must be in the range 100 to 2000"),
        ("com.docker.network.advertise_addr_ms", "1s", 'strconv.Atoi: parsing "1s": invalid syntax'),
        ("com.docker.network.driver.mtu", "big", 'strconv.Atoi: parsing "big": invalid syntax'),
        ("com.docker.network.driver.mtu", "-1", "invalid MTU number: -1"),
        ("com.docker.network.driver.mtu", "65536", "invalid MTU number: 65536"),
        ("com.docker.network.host_ipv4", "fd00::1", "not an IPv4 address"),
        ("com.docker.network.host_ipv6", "192.0.2.1", "not an IPv6 address"),
        ("com.docker.network.enable_ipv6", "maybe", 'strconv.ParseBool: parsing "maybe": invalid syntax'),
    ],
)
def test_values_that_cannot_be_read(label: str, value: str, reason: str) -> None:
    assert refusal(label, value) == f"failed to parse {label} value: {value} ({reason})"


@pytest.mark.parametrize(
    "name", ["sixteen-letters-", "a/b", "a b", ".", "..", 'a"', "a*", "a{", "a;b", "a:b", "é", "a\n", "a\\", "a#", "a$"]
)
def test_names_that_no_interface_may_have(name: str) -> None:
    assert refusal(BRIDGE + "name", name).startswith(f"failed to parse {BRIDGE}name value: {name} (")


def test_a_prefix_leaves_room_for_numbers() -> None:
    assert "up to 11 characters" in refusal("com.docker.network.container_iface_prefix", "twelveletter")


def test_isolated_is_for_internal_networks() -> None:
    label = BRIDGE + "gateway_mode_ipv6"
    assert (
        refusal(label, "isolated", internal=False) == "gateway mode 'isolated' can only be used for an internal network"
    )


def test_unknown_options_of_docker_s_own_are_refused_by_name() -> None:
    message = refusal(BRIDGE + "speed", "10")
    assert message.startswith(f"the bridge driver does not support the option {BRIDGE}speed: leave it out; it knows ")
    assert f" {BRIDGE}trusted_host_interfaces, " in message


def test_a_policy_with_a_slip_in_its_name_is_refused() -> None:
    message = refusal("weft.pubish", "localhost")
    assert message.startswith("the bridge driver does not support the option weft.pubish: leave it out; ")
    assert message.endswith(", weft.publish")


def test_routed() -> None:
    assert options(bridge__gateway_mode_ipv6="routed").mode(6) is GatewayMode.ROUTED


def test_the_policy_of_published_ports() -> None:
    read = bridge_options(NetworkSpec(name="n", options={"weft.publish": "lan"}))
    assert read.exposure == Exposure(Reach.LAN)
    assert refusal("weft.publish", "all").startswith('failed to parse weft.publish value: all ("all" is neither open, ')


def test_trusted_interfaces_have_names_that_interfaces_may_have() -> None:
    label = BRIDGE + "trusted_host_interfaces"
    assert refusal(label, "eth1;drop").startswith(f"failed to parse {label} value: eth1;drop (")


def test_options_of_others_are_let_through() -> None:
    assert bridge_options(NetworkSpec(name="n", options={"foo": "bar", "com.example.x": "1"})) == BridgeOptions()


def test_the_default_bridge_reports_what_docker_s_does() -> None:
    assert bridge_spec().options == {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": "true",
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
        "com.docker.network.bridge.name": "docker0",
        "com.docker.network.driver.mtu": "1500",
    }
    assert bridge_options(bridge_spec(mtu=1400, icc=False)) == BridgeOptions(
        name="docker0", default_bridge=True, mtu=1400, icc=False
    )
