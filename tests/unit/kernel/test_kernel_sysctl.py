"""Names of sysctls (sysctl(8))."""

import pytest

from weft.kernel.sysctl import path_of
from weft.model.errors import InvalidParameter


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.100/mtu", "net/ipv4/conf/eth0.100/mtu"),
        ("net.ipv4.conf.eth0/100.mtu", "net/ipv4/conf/eth0.100/mtu"),
        ("net.bridge.bridge-nf-call-iptables", "net/bridge/bridge-nf-call-iptables"),
    ],
)
def test_dots_and_slashes(key: str, path: str) -> None:
    assert path_of(key) == path


@pytest.mark.parametrize("key", ["", "net", "net.", "kernel.hostname", "net/../kernel/hostname", "/net/ipv4", "net..a"])
def test_only_the_network_has_sysctls_here(key: str) -> None:
    with pytest.raises(InvalidParameter, match="network"):
        path_of(key)
