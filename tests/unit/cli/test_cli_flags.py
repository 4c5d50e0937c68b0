"""Values on the command line."""

import pytest

from weft.cli.errors import HelpRequested, UsageError
from weft.cli.flags.duration import parse_moment
from weft.cli.flags.flag import many, number, refused, switch, text
from weft.cli.flags.mount import parse_mount
from weft.cli.flags.network import parse_network
from weft.cli.flags.pairs import fields, read_files
from weft.cli.flags.parser import parse
from weft.cli.flags.port import parse_publish
from weft.cli.flags.size import parse_bytes, parse_cpus
from weft.cli.flags.usage import flag_usages
from weft.model.duration import parse_duration
from weft.model.errors import InvalidParameter

FLAGS = (
    switch("interactive", "", short="i"),
    switch("tty", "", short="t"),
    switch("proxy", "", default=True),
    text("name", "", short="n"),
    many("publish", "", short="p"),
    many("pub", "", target="publish"),
    number("last", "", default=-1),
    refused("gpus"),
)


def test_forms_of_flags():
    options = parse(FLAGS, ["-itp80", "--name=x", "a", "-p=81", "-p", "82", "--pub", "83", "--proxy=false", "--", "-z"])
    assert options.on("interactive")
    assert options.on("tty")
    assert not options.on("proxy")
    assert options.text("name") == "x"
    assert options.texts("publish") == ["80", "81", "82", "83"]
    assert options.arguments == ["a", "-z"]
    assert options.number("last") == -1
    assert not options.changed("last")


def test_everything_after_the_image_is_the_containers():
    options = parse(FLAGS, ["-i", "image", "-t", "--name", "x"], interspersed=False)
    assert options.arguments == ["image", "-t", "--name", "x"]
    assert not options.on("tty")


def test_help_wins():
    for words in (["--help"], ["x", "--help"], ["-h"]):
        with pytest.raises(HelpRequested):
            parse(FLAGS, words)


def test_refused_flag():
    with pytest.raises(UsageError, match="--gpus is not supported"):
        parse(FLAGS, ["--gpus", "all"])


def test_usage_wraps_beside_short_names_and_under_long_ones():
    beside = flag_usages([text("short", "word " * 20)], 60)
    assert max(map(len, beside.splitlines())) <= 60
    assert "\n" + " " * 23 + "word" in beside
    under = flag_usages([text("a-flag-name-that-fills-most-of-the-line", "word " * 8)], 60)
    assert "\n" + " " * 16 + "word" in under


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("80", {"80/tcp": [{"HostIp": "", "HostPort": ""}]}),
        ("8080:80", {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}),
        ("1.2.3.4::80/sctp", {"80/sctp": [{"HostIp": "1.2.3.4", "HostPort": ""}]}),
        ("[2001:db8::1]:8080:80", {"80/tcp": [{"HostIp": "2001:db8::1", "HostPort": "8080"}]}),
        ("8000-8005:80", {"80/tcp": [{"HostIp": "", "HostPort": "8000-8005"}]}),
        ("published=1,target=2,protocol=udp", {"2/udp": [{"HostIp": "", "HostPort": "1"}]}),
        (
            "1-2:3-4",
            {"3/tcp": [{"HostIp": "", "HostPort": "1"}], "4/tcp": [{"HostIp": "", "HostPort": "2"}]},
        ),
    ],
)
def test_publish(value, expected):
    assert parse_publish([value]) == expected


@pytest.mark.parametrize("value", ["", "a", "80:", "80/foo", "0.0.0:80:80", "5-1", "70000", "1-3:80-81", ":::80"])
def test_publish_refuses(value):
    with pytest.raises(ValueError, match=r"."):
        parse_publish([value])


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", 1), ("1k", 1024), ("2M", 2 << 20), ("1.5g", 3 << 29), ("1GiB", 1 << 30), ("3kb", 3072), ("7b", 7)],
)
def test_bytes(value, expected):
    assert parse_bytes(value) == expected


@pytest.mark.parametrize("value", ["", "x", "-1", "1x", "1e3", "nan", "inf", "1 2"])
def test_bytes_refuses(value):
    with pytest.raises(ValueError, match="invalid size"):
        parse_bytes(value)


def test_cpus():
    assert parse_cpus("0.5") == 500_000_000
    assert parse_cpus("2") == 2 * 10**9
    assert parse_cpus(".000000001") == 1
    for wrong in ("", "a", "-1", ".", "1e3", "0.0000000001"):
        with pytest.raises(ValueError, match=r"."):
            parse_cpus(wrong)


def test_durations():
    assert parse_duration("1h30m") == 5400 * 10**9
    assert parse_duration("1.5s") == 1_500_000_000
    assert parse_duration("-2ms") == -2_000_000
    for wrong in ("", "1", "1x", "h", "1h x"):
        with pytest.raises(ValueError, match="invalid duration"):
            parse_duration(wrong)


def test_moments():
    assert parse_moment("", 0) == ""
    assert parse_moment("10m", 1000) == "400.000000000"
    assert parse_moment("1136073600.5", 0) == "1136073600.5"
    assert parse_moment("2006-01-02T15:04:05Z", 0) == "1136214245.000000000"
    assert parse_moment("2006-01-02T15:04:05.123456789+01:00", 0) == "1136210645.123456789"
    with pytest.raises(ValueError, match="failed to parse value"):
        parse_moment("yesterday", 0)


def test_networks():
    assert parse_network("host").settings() == {}
    attachment = parse_network("name=net,alias=a,alias=b,ip6=fd00::2,mac-address=02:00:00:00:00:01,driver-opt=k=v")
    assert attachment.target == "net"
    assert attachment.settings() == {
        "IPAMConfig": {"IPv6Address": "fd00::2"},
        "Aliases": ["a", "b"],
        "MacAddress": "02:00:00:00:00:01",
        "DriverOpts": {"k": "v"},
    }
    for wrong in ("alias=a", "name=n,foo=b", "name=n,gw-priority=x"):
        with pytest.raises(ValueError, match=r"."):
            parse_network(wrong)


def test_mounts():
    assert parse_mount("type=bind,src=/a,dst=/b,ro,bind-propagation=rslave") == {
        "Type": "bind",
        "Source": "/a",
        "Target": "/b",
        "ReadOnly": True,
        "BindOptions": {"Propagation": "rslave"},
    }
    assert parse_mount('"source=with,comma",target=/b')["Source"] == "with,comma"
    volume = parse_mount("src=v,dst=/v,volume-label=a=b,volume-driver=local,volume-opt=o=x")["VolumeOptions"]
    assert volume == {"Labels": {"a": "b"}, "DriverConfig": {"Name": "local", "Options": {"o": "x"}}}
    for wrong, why in (
        ("type=bind,src=/a", "target is required"),
        ("type=tmpfs,dst=/a,bind-propagation=x", "cannot mix 'bind-\\*' options"),
        ("dst=/a,nope=1", "unexpected key 'nope'"),
        ("dst=/a,readonly=x", "invalid value for readonly: x"),
        ("dst=/a,tmpfs-mode=9,type=tmpfs", "invalid value for tmpfs-mode"),
    ):
        with pytest.raises(ValueError, match=why):
            parse_mount(wrong)


def test_records():
    assert fields('a,"b,""c",') == ["a", 'b,"c', ""]
    with pytest.raises(ValueError, match="quoted-field"):
        fields('"a')


def test_env_files(tmp_path):
    path = tmp_path / "env"
    path.write_bytes(b"\xef\xbb\xbfA=1\r\n  B=x y \n#c\nHOME\nNONE\n")
    assert read_files([str(path)], {"HOME": "/h"}.get) == ["A=1", "B=x y ", "HOME=/h"]
    for content, why in (("=x", "no variable name"), ("a b=1", "contains whitespaces")):
        path.write_text(content)
        with pytest.raises(InvalidParameter, match=why):
            read_files([str(path)], None)
