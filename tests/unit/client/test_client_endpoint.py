"""Daemon addresses."""

import pytest

from weft.client.endpoint import TlsFiles, default_endpoint, parse_endpoint
from weft.model.errors import InvalidParameter


def test_unix():
    assert parse_endpoint("unix:///a/b").path == "/a/b"
    assert parse_endpoint("/a/b").path == "/a/b"
    assert parse_endpoint("unix://").path == "/run/weft.sock"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("tcp://h", "h", 2375),
        ("tcp://1.2.3.4:99", "1.2.3.4", 99),
        ("tcp://:99", "127.0.0.1", 99),
        ("tcp://[::1]:99", "::1", 99),
        ("tcp://[fe80::1]", "fe80::1", 2375),
        ("h:99", "h", 99),
    ],
)
def test_tcp(text, host, port):
    endpoint = parse_endpoint(text)
    assert (endpoint.host, endpoint.port, endpoint.path) == (host, port, "")


def test_tls_has_its_own_port():
    assert parse_endpoint("tcp://h", TlsFiles()).port == 2376


@pytest.mark.parametrize(
    "text", ["ssh://h", "http://h", "tcp://h:x", "tcp://h:0", "tcp://h:70000", "tcp://[::1", "tcp://[::1]9"]
)
def test_refused(text):
    with pytest.raises(InvalidParameter):
        parse_endpoint(text)


def test_default():
    assert default_endpoint({"WEFT_HOST": "a", "DOCKER_HOST": "b"}) == "a"
    assert default_endpoint({"WEFT_HOST": "", "DOCKER_HOST": "b"}) == "b"
    assert default_endpoint({}, lambda path: path.startswith("/var")) == "unix:///var/run/weft.sock"
    assert default_endpoint({}, lambda path: False) == "unix:///run/weft.sock"
