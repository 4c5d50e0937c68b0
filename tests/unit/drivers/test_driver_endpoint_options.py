"""Options of one endpoint."""

import pytest

from weft.drivers.endpoint_options import EndpointOptions, endpoint_options
from weft.model.errors import InvalidParameter

IFNAME, SYSCTLS = "com.docker.network.endpoint.ifname", "com.docker.network.endpoint.sysctls"


def test_none_and_others() -> None:
    assert endpoint_options({}) == EndpointOptions()
    assert endpoint_options({"com.example": "x"}) == EndpointOptions()


def test_sysctls_name_the_interface_in_any_case() -> None:
    read = endpoint_options({SYSCTLS: "net.ipv4.conf.IFNAME.log_martians=1,NET.IPV6.neigh.ifName.Mcast_Solicit=4"})
    assert read.sysctls_of("eth3.1") == (
        ("net/ipv4/conf/eth3.1/log_martians", "1"),
        ("net/ipv6/neigh/eth3.1/mcast_solicit", "4"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "net.ipv4.conf.eth0.log_martians=1",
        "net.ipv4.conf.IFNAME.log_martians",
        "net.ipv4.conf.IFNAME.log_martians=",
        "net.core.IFNAME.x=1",
        "net.ipv4.conf.IFNAME.a.b=1",
        "net.ipv4.conf.IFNAME.../../x=1",
        "net.ipv4.conf.IFNAME.{link}=1",
        "net.ipv4.conf.IFNAME.a=1,",
    ],
)
def test_sysctls_of_anything_else_are_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match=f"failed to parse {SYSCTLS} value: "):
        endpoint_options({SYSCTLS: text})


def test_names_and_unknown_options() -> None:
    assert endpoint_options({IFNAME: "lan0"}).interface_name == "lan0"
    with pytest.raises(InvalidParameter, match=f"failed to parse {IFNAME} value: a/b "):
        endpoint_options({IFNAME: "a/b"})
    with pytest.raises(InvalidParameter, match=r"an endpoint does not support the option com\.docker\.network\.x"):
        endpoint_options({"com.docker.network.x": "1"})
