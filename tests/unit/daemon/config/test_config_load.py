"""Flags and daemon.json together: what becomes the configuration, what is refused and in which words."""

import json
from contextlib import suppress
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.daemon.config.daemon_config import DaemonConfig
from weft.daemon.config.host import InheritedHost, TcpHost, UnixHost
from weft.daemon.config.load import Notice, parse
from weft.daemon.config.option import Effect
from weft.daemon.config.options import OPTIONS
from weft.model.container import LogConfig, Ulimit
from weft.model.errors import InvalidParameter
from weft.model.exposure import Exposure, Reach
from weft.model.mark import Mark

# From the tutorial, section "Configure the default bridge network", letter by letter.
TUTORIAL = """{
  "bip": "192.168.1.5/24",
  "fixed-cidr": "192.168.1.5/25",
  "fixed-cidr-v6": "2001:db8::/64",
  "mtu": 1500,
  "default-gateway": "10.20.1.1",
  "default-gateway-v6": "2001:db8:abcd::89",
  "dns": ["10.20.1.2","10.20.1.3"]
}"""


def load(*arguments: str, file: object = None) -> DaemonConfig:
    raw = file if isinstance(file, bytes) else json.dumps(file).encode() if file is not None else None

    def read(path: str) -> bytes:
        if raw is None:
            raise FileNotFoundError(path)
        return raw

    config = parse(arguments, read)
    assert isinstance(config, DaemonConfig)
    return config


def refusal(*arguments: str, file: object = None) -> str:
    with pytest.raises(InvalidParameter) as caught:
        load(*arguments, file=file)
    return caught.value.message


def test_nothing_given_is_the_defaults() -> None:
    assert load() == DaemonConfig(
        tlscacert=str(Path("~/.docker/ca.pem").expanduser()),
        tlscert=str(Path("~/.docker/cert.pem").expanduser()),
        tlskey=str(Path("~/.docker/key.pem").expanduser()),
    )
    assert load(file=b"") == load(file={}) == load()


def test_the_tutorials_file_is_taken_as_it_stands() -> None:
    config = load(file=TUTORIAL.encode())
    assert config.bip == ip_interface("192.168.1.5/24")
    assert config.fixed_cidr == ip_network("192.168.1.0/25")
    assert config.fixed_cidr_v6 == ip_network("2001:db8::/64")
    assert config.mtu == 1500
    assert config.default_gateway == ip_address("10.20.1.1")
    assert config.default_gateway_v6 == ip_address("2001:db8:abcd::89")
    assert config.dns == (ip_address("10.20.1.2"), ip_address("10.20.1.3"))


# (key of the file, its value, flags that say the same, field, value)
_SAME = [
    ("data-root", "/srv/weft", ["--data-root", "/srv/weft"], "data_root", "/srv/weft"),
    ("exec-root", "/run/w2", ["--exec-root=/run/w2"], "exec_root", "/run/w2"),
    ("pidfile", "/run/w.pid", ["-p", "/run/w.pid"], "pidfile", "/run/w.pid"),
    ("debug", True, ["-D"], "debug", True),
    ("debug", False, ["--debug=false"], "debug", False),
    ("log-level", "WARN", ["-l", "warn"], "log_level", "warn"),
    ("log-format", "json", ["--log-format", "json"], "log_format", "json"),
    ("group", "staff", ["-G", "staff"], "group", "staff"),
    ("tlsverify", True, ["--tlsverify"], "tls", True),
    ("tlscacert", "/etc/ca.pem", ["--tlscacert", "/etc/ca.pem"], "tlscacert", "/etc/ca.pem"),
    ("labels", ["a=1", "b=2"], ["--label", "a=1", "--label", "b=2"], "labels", ("a=1", "b=2")),
    ("labels", ["a=1", "a=1"], ["--label", "a=1", "--label", "a=1"], "labels", ("a=1",)),
    ("bridge", "none", ["-b", "none"], "bridge", "none"),
    ("bip", "10.1.0.1/16", ["--bip", "10.1.0.1/16"], "bip", ip_interface("10.1.0.1/16")),
    ("bip6", "fd00::1/64", ["--bip6", "fd00::1/64"], "bip6", ip_interface("fd00::1/64")),
    ("bip", "", ["--bip", ""], "bip", None),
    ("mtu", 9000, ["--mtu", "9000"], "mtu", 9000),
    ("ip", "127.0.0.1", ["--ip", "127.0.0.1"], "ip", ip_address("127.0.0.1")),
    ("ip", "0.0.0.0", ["--ip", "0.0.0.0"], "ip", None),
    ("ipv6", True, ["--ipv6"], "ipv6", True),
    ("icc", False, ["--icc=false"], "icc", False),
    ("ip-masq", False, ["--ip-masq=0"], "ip_masq", False),
    ("ip-forward", False, ["--ip-forward=false"], "ip_forward", False),
    (
        "default-address-pools",
        [{"base": "172.30.0.0/16", "size": 24}, {"base": "fd00::/56", "size": 64}],
        ["--default-address-pool", "base=172.30.0.0/16,size=24", "--default-address-pool", "base=fd00::/56,size=64"],
        "default_address_pools",
        ((ip_network("172.30.0.0/16"), 24), (ip_network("fd00::/56"), 64)),
    ),
    (
        "default-network-opts",
        {"bridge": {"com.docker.network.driver.mtu": "1400"}},
        ["--default-network-opt", "bridge=com.docker.network.driver.mtu=1400"],
        "default_network_opts",
        {"bridge": {"com.docker.network.driver.mtu": "1400"}},
    ),
    ("dns", ["1.1.1.1", "fd00::1"], ["--dns", "1.1.1.1", "--dns", "fd00::1"], "dns",
     (ip_address("1.1.1.1"), ip_address("fd00::1"))),
    ("allow-direct-routing", True, ["--allow-direct-routing"], "allow_direct_routing", True),
    ("bridge-accept-fwmark", "0x1/0x3", ["--bridge-accept-fwmark", "1/3"], "bridge_accept_fwmark", Mark(1, 3)),
    ("weft-publish", "lan", ["--weft-publish", "lan"], "weft_publish", Exposure(Reach.LAN)),
    ("dns-opts", ["ndots:2"], ["--dns-opt", "ndots:2"], "dns_opts", ("ndots:2",)),
    ("dns-search", ["example.com", "."], ["--dns-search", "example.com", "--dns-search", "."], "dns_search",
     ("example.com", ".")),
    ("host-gateway-ips", ["10.0.0.1", "fd00::1"], ["--host-gateway-ip", "10.0.0.1", "--host-gateway-ip", "fd00::1"],
     "host_gateway_ips", (ip_address("10.0.0.1"), ip_address("fd00::1"))),
    ("default-ulimits", {"nofile": {"Name": "nofile", "Hard": 64000, "Soft": 1024}},
     ["--default-ulimit", "nofile=1024:64000"], "default_ulimits", (Ulimit(name="nofile", soft=1024, hard=64000),)),
    ("default-shm-size", "128M", ["--default-shm-size", "128m"], "default_shm_size", 128 << 20),
    ("default-shm-size", 4096, ["--default-shm-size", "4KiB"], "default_shm_size", 4096),
    ("log-opts", {"max-size": "10m", "max-file": "3"}, ["--log-opt", "max-size=10m", "--log-opt", "max-file=3"], "log",
     LogConfig(options={"max-size": "10m", "max-file": "3"})),
    ("default-ipc-mode", "shareable", ["--default-ipc-mode", "shareable"], "default_ipc_mode", "shareable"),
    ("default-cgroupns-mode", "private", ["--default-cgroupns-mode", "private"], "default_cgroupns_mode", "private"),
    ("cpu-rt-runtime", 95000, ["--cpu-rt-runtime", "95000"], "cpu_rt_runtime", 95000),
    ("cpu-rt-period", 1000000, ["--cpu-rt-period", "1000000"], "cpu_rt_period", 1000000),
    ("log-driver", "local", ["--log-driver", "local"], "log", LogConfig(driver="local")),
    ("registry-mirrors", ["https://m.example"], ["--registry-mirror", "https://m.example"], "registry_mirrors",
     ("https://m.example",)),
    ("insecure-registries", ["r:5000", "10.0.0.0/8"],
     ["--insecure-registry", "r:5000", "--insecure-registry", "10.0.0.0/8"],
     "insecure_registries", ("r:5000", "10.0.0.0/8")),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "flags", "field", "expected"), _SAME)
def test_the_file_and_the_flags_say_the_same(key: str, value: Any, flags: list[str], field: str, expected: Any) -> None:
    assert getattr(load(file={key: value}), field) == expected
    assert getattr(load(*flags), field) == expected


@pytest.mark.parametrize(("key", "value", "flags", "field", "expected"), _SAME)
def test_a_flag_and_a_key_of_one_name_are_refused(
    key: str, value: Any, flags: list[str], field: str, expected: Any
) -> None:
    text = refusal(*flags, file={key: value})
    assert text.startswith("unable to configure the Docker daemon with file /etc/weft/daemon.json: ")
    assert f"specified both as a flag and in the configuration file: {key}: (from flag: " in text


def test_a_conflict_shows_both_values_as_dockerd_does() -> None:
    file = {"debug": False, "labels": ["a=1"]}
    text = refusal("-D", "--label", "b=2", "--label", "c=3", "--config-file", "/etc/my.json", file=file)
    assert text == (
        "unable to configure the Docker daemon with file /etc/my.json: the following directives are specified both as "
        "a flag and in the configuration file: debug: (from flag: true, from file: false), "
        "labels: (from flag: [b=2 c=3], from file: [a=1])"
    )


def test_a_proxys_password_is_never_shown() -> None:
    text = refusal("--http-proxy", "http://me:secret@p:1", file={"proxies": {"http-proxy": "http://you:secret@q:2"}})
    assert "secret" not in text
    assert "xxxxx:xxxxx@p:1" in text
    config = load("--http-proxy", "http://me:secret@p:1")
    assert config.http_proxy == "http://me:secret@p:1"
    assert "secret" not in repr(config)
    assert load(file={"proxies": {"no-proxy": "a,b"}}).no_proxy == "a,b"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ({"foo": 1}, "the following directives don't match any configuration option: foo"),
        ({"zoo": 1, "bar": {}}, "the following directives don't match any configuration option: bar, zoo"),
        ({"proxies": {"ftp-proxy": ""}}, "the following directives don't match any configuration option: ftp-proxy"),
        ({"http-proxy": ""}, "the following directives don't match any configuration option: http-proxy"),
        ({"Debug": True}, "the following directives don't match any configuration option: Debug"),
        ([], "the file must hold a JSON object of options"),
        (b"{", "invalid JSON: "),
        (b'{"debug": true} x', "invalid JSON: "),
        (b"\xff\x00", "failed to decode configuration JSON at offset 0"),
        ({"debug": "yes"}, "debug: expected true or false, not 'yes'"),
        ({"mtu": "1500"}, "mtu: expected a whole number, not '1500'"),
        ({"mtu": True}, "mtu: expected a whole number, not True"),
        ({"mtu": 1.5}, "mtu: expected a whole number, not 1.5"),
        ({"bip": 7}, "bip: expected a string (an IPv4 address with its prefix length"),
        ({"bip": "10.0.0.1"}, "bip: invalid CIDR address: 10.0.0.1"),
        ({"bip": "fd00::1/64"}, "bip: invalid CIDR address: fd00::1/64: not an IPv4 address"),
        ({"fixed-cidr-v6": "10.0.0.0/8"}, "fixed-cidr-v6: invalid CIDR address"),
        ({"default-gateway": "fd00::1"}, "default-gateway: fd00::1 is not an IPv4 address"),
        ({"default-gateway-v6": "10.0.0.1"}, "default-gateway-v6: 10.0.0.1 is not an IPv6 address"),
        ({"dns": "1.1.1.1"}, "dns: expected a list of strings (IP addresses), not '1.1.1.1'"),
        ({"dns": ["x"]}, "dns: x is not an ip address"),
        ({"dns": [""]}, "dns:  is not an ip address"),
        ({"dns": [1]}, "dns: expected a list of strings"),
        ({"data-root": "relative"}, "data-root: relative is not an absolute path"),
        ({"log-opts": {"max-size": 1}}, "log-opts: expected an object of strings"),
        ({"default-shm-size": "lots"}, "default-shm-size: invalid size: 'lots'"),
        ({"default-address-pools": [{"base": "10.0.0.0/8"}]}, "it has exactly base and size"),
        ({"default-address-pools": [{"base": "10.0.0.0/8", "size": 5}]}, "invalid pool size 5"),
        ({"default-address-pools": [{"base": "1", "size": "a"}]}, "default-address-pools: expected"),
        ({"default-address-pools": [{"base": "x", "size": 8}]}, 'invalid base pool "x": invalid CIDR address: x'),
        ({"default-network-opts": {"bridge": {"a": 1}}}, "default-network-opts: expected"),
        ({"default-network-opts": {"bridge": 1}}, "default-network-opts: expected"),
        ({"default-ulimits": {"nofile": {"Name": "nproc"}}}, "default-ulimits: invalid ulimit nofile"),
        ({"default-ulimits": {"nofile": {"Soft": "x"}}}, "default-ulimits: expected"),
        ({"host-gateway-ip": "1.2.3.4", "host-gateway-ips": []}, "must not both be specified in the config file"),
        ({"host-gateway-ip": 5}, "host-gateway-ip: expected strings (IP addresses), not 5"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name_with_its_path(file: object, text: str) -> None:
    message = refusal(file=file)
    assert message.startswith("unable to configure the Docker daemon with file /etc/weft/daemon.json: ")
    assert text in message


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["run"], '"weftd" accepts no arguments: run'),
        (["--mtu", "x"], 'invalid argument "x" for "--mtu" flag: "x" is not a whole number'),
        (["-D=maybe"], 'invalid argument "maybe" for "-D, --debug" flag'),
        (["--debug=maybe"], 'invalid argument "maybe" for "-D, --debug" flag: "maybe" is neither true nor false'),
        (["--dns", "x"], 'invalid argument "x" for "--dns" flag: x is not an ip address'),
        (["--data-root"], "expected one argument"),
        (["--default-address-pool", "base=1"], 'invalid argument "base=1" for "--default-address-pool" flag'),
        (["--default-ulimit", "x"], 'for "--default-ulimit" flag: invalid ulimit argument: x'),
        (["--default-network-opt", "bridge=x"], "x is not of the form name=value"),
        (["--log-opt", "x"], "x is not of the form name=value"),
        (["--data-roo", "/x"], "unknown flag: --data-roo"),
    ],
)
def test_a_flag_that_is_wrong_is_refused_by_name(arguments: list[str], text: str) -> None:
    assert text in refusal(*arguments)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ({"log-level": "loud"}, "invalid logging level: loud"),
        ({"log-format": "xml"}, "invalid log format: xml"),
        ({"labels": ["x"]}, "bad attribute format: x"),
        ({"labels": ["a=1", "a=2"]}, "conflict labels for a=2 and a=1"),
        ({"dns-search": ["a b"]}, "a b is not a valid domain"),
        ({"dns-opts": ["a b"]}, "dns-opts: "),
        ({"host-gateway-ips": ["1.1.1.1", "2.2.2.2"]}, "only one IPv4 host gateway IP address can be specified"),
        ({"mtu": 10}, "invalid default MTU: 10"),
        ({"bridge-accept-fwmark": "one"}, 'bridge-accept-fwmark: invalid firewall mark "one"'),
        ({"bridge-accept-fwmark": "1/-1"}, 'bridge-accept-fwmark: invalid firewall mask "1/-1"'),
        ({"weft-publish": "all"}, 'weft-publish: "all" is neither open, lan, localhost, nor a prefix'),
        ({"allow-direct-routing": "yes"}, "allow-direct-routing: expected true or false"),
        ({"max-concurrent-downloads": -1}, "invalid max concurrent downloads: -1"),
        ({"default-shm-size": 0}, "SHM size can not be less than 0"),
        ({"bridge": "br0", "bip": "10.0.0.1/24"}, "You specified -b & --bip, mutually exclusive options"),
        ({"bridge": "a/b"}, "bridge: a/b cannot be the name of a link"),
        ({"log-driver": "fluentd"}, 'plugin "fluentd" not found'),
        ({"default-ipc-mode": "host"}, 'IPC mode "host" is not supported as default value'),
        ({"default-cgroupns-mode": "x"}, "invalid default cgroup namespace: x"),
        ({"cpu-rt-runtime": -1}, "invalid cpu-rt-runtime: -1"),
        ({"log-opts": {"foo": "1"}}, "unknown log opt 'foo' for json-file log driver"),
        ({"default-ulimits": {"foo": {"Soft": 1, "Hard": 1}}}, "default-ulimits: invalid ulimit type: foo"),
        ({"default-ulimits": {"nofile": {"Soft": 2, "Hard": 1}}}, "soft limit must be less than or equal to hard"),
        ({"registry-mirrors": ["ftp://x"]}, "invalid mirror: "),
        ({"insecure-registries": ["http://x/y/z"]}, "insecure registry x/y/z is not valid"),
        ({"hosts": ["foo://x"]}, "Invalid bind address format: foo://x"),
    ],
)
def test_values_that_make_no_sense_are_refused(file: object, text: str) -> None:
    assert text in refusal(file=file)


@pytest.mark.parametrize(
    "file",
    [
        {"iptables": False},
        {"ip6tables": False},
        {"firewall-backend": "iptables"},
        {"storage-driver": "btrfs"},
        {"storage-opts": ["overlay2.size=1G"]},
        {"exec-opts": ["native.cgroupdriver=systemd"]},
        {"runtimes": {"kata": {"path": "/usr/bin/kata"}}},
        {"default-runtime": "kata"},
        {"userns-remap": "default"},
        {"selinux-enabled": True},
        {"features": {"containerd-snapshotter": True}},
        {"metrics-addr": "127.0.0.1:9323"},
        {"authorization-plugins": ["authz"]},
        {"no-new-privileges": True},
        {"seccomp-profile": "unconfined"},
        {"cgroup-parent": "/x"},
        {"init": True},
    ],
)
def test_what_weft_would_not_do_is_refused_by_name_and_reason(file: dict[str, Any]) -> None:
    [(key, _)] = file.items()
    message = refusal(file=file)
    reason = next(option.reason for option in OPTIONS if option.key == key)
    assert message.startswith(f"{key} is not supported with ")
    assert message.endswith(reason)


def test_what_weft_does_anyway_may_be_said() -> None:
    load(file={
        "iptables": True, "ip6tables": True, "firewall-backend": "nftables", "storage-driver": "overlay2",
        "storage-opts": [], "exec-opts": ["native.cgroupdriver=cgroupfs"], "default-runtime": "runc", "runtimes": {},
        "userns-remap": "", "selinux-enabled": False, "features": {"buildkit": False}, "metrics-addr": "",
        "seccomp-profile": "builtin", "init": False, "cgroup-parent": "", "api-cors-header": "",
    })  # fmt: skip


def test_what_makes_no_difference_is_taken_and_said() -> None:
    config = load("--ip-forward-no-drop", file={"live-restore": True, "max-concurrent-downloads": 3})
    assert [key for key, _ in config.without_effect] == [
        "ip-forward-no-drop",
        "live-restore",
        "max-concurrent-downloads",
    ]
    assert all(reason for _, reason in config.without_effect)


def test_empty_values_of_every_key_say_nothing() -> None:
    everything = {option.key: "" for option in OPTIONS if option.kind.value.startswith("a string")}
    everything |= {option.key: [] for option in OPTIONS if option.kind.value.startswith("a list")}
    for key in ("http-proxy", "https-proxy", "no-proxy"):
        del everything[key]
    load(file=everything)


def test_every_refusal_and_every_option_without_effect_says_why() -> None:
    for option in OPTIONS:
        assert (option.effect is Effect.SUPPORTED) != bool(option.reason), option.key
        assert option.effect is not Effect.SUPPORTED or option.help or option.key in ("hosts",), option.key
    assert len({option.key for option in OPTIONS}) == len(OPTIONS)
    flags = [option.flag for option in OPTIONS if option.flag]
    assert len(set(flags)) == len(flags)


def test_every_supported_option_reaches_the_configuration() -> None:
    fields = set(DaemonConfig.__dataclass_fields__)
    for option in OPTIONS:
        if option.effect is Effect.SUPPORTED:
            assert option.field in fields or option.key in ("log-driver", "log-opts"), option.key


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("unix://", UnixHost("/run/weft.sock")),
        ("unix:///a/b.sock", UnixHost("/a/b.sock")),
        ("fd://", InheritedHost()),
        ("fd://4", InheritedHost(4)),
        ("tcp://127.0.0.1:2375", TcpHost("127.0.0.1", 2375)),
        ("tcp://[::1]:99", TcpHost("::1", 99)),
        ("tcp://:2375", TcpHost("localhost", 2375)),
        ("127.0.0.1", TcpHost("127.0.0.1", 2375)),
    ],
)
def test_hosts_in_dockerds_forms(host: str, expected: object) -> None:
    assert load("-H", host).hosts == (expected,)


def test_several_hosts_and_tls() -> None:
    config = load("-H", "fd://", "-H", "tcp://0.0.0.0", "-H", "fd://", "--tlsverify")
    assert config.hosts == (InheritedHost(), TcpHost("0.0.0.0", 2376))


@pytest.mark.parametrize(
    "host", ["unix://relative", "fd://x", "fd://1", "tcp://h:99999", "tcp://u@h:1", "tcp://h:1/x?y", "npipe://x"]
)
def test_hosts_that_are_none_are_refused(host: str) -> None:
    assert f"Invalid bind address format: {host}" in refusal("-H", host)


@pytest.mark.parametrize("host", ["tcp://0.0.0.0:2375", "tcp://[::]:2375", "tcp://192.0.2.1", "tcp://example.com"])
@pytest.mark.parametrize("flags", [[], ["--tls"]])
def test_tcp_that_others_reach_needs_tlsverify(host: str, flags: list[str]) -> None:
    assert "without --tlsverify" in refusal("-H", host, *flags)
    load("-H", host, "--tlsverify")


def test_the_pid_file_follows_the_exec_root() -> None:
    assert load("--exec-root", "/run/two").pidfile == "/run/two/weft.pid"


def test_a_missing_file_matters_only_where_it_was_named() -> None:
    assert refusal("--config-file", "/etc/x.json") == (
        "unable to configure the Docker daemon with file /etc/x.json: open /etc/x.json: no such file or directory"
    )

    def forbidden(path: str) -> bytes:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(InvalidParameter, match=r"open /etc/weft/daemon\.json: permission denied"):
        parse([], forbidden)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_trouble(encoding: str) -> None:
    assert load(file='{"debug": true}'.encode(encoding)).debug


def test_null_is_not_given() -> None:
    assert load("-D", file={"debug": None, "bip": None, "proxies": None}).debug


def test_what_is_printed() -> None:
    assert parse(["--validate"], lambda path: TUTORIAL.encode()) == Notice("configuration OK\n")
    with pytest.raises(InvalidParameter, match="don't match any configuration option: foo"):
        parse(["--validate"], lambda path: b'{"foo": 1}')
    version = parse(["--version"], lambda path: b"broken")
    assert isinstance(version, Notice)
    assert version.text.startswith("Weft version ")
    assert ", build " in version.text
    usage = parse(["--help"], lambda path: b"broken")
    assert isinstance(usage, Notice)
    assert "--default-address-pool" in usage.text
    assert "--max-concurrent-downloads" not in usage.text


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([option.key for option in OPTIONS] + ["proxies", "host-gateway-ip"]), _JSON))
def test_any_file_is_taken_or_refused(file: dict[str, Any]) -> None:
    with suppress(InvalidParameter):
        load(file=file)


@given(
    st.lists(
        st.one_of(st.sampled_from([f"--{o.flag}" for o in OPTIONS] + ["-D", "-H"]), st.text(max_size=12)), max_size=4
    )
)
def test_any_command_line_is_taken_or_refused(arguments: list[str]) -> None:
    with suppress(InvalidParameter):
        parse(arguments, lambda path: b"")
