"""Where v1 plugins are found."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from weft.model.errors import InvalidParameter
from weft.plugins.discovery import Directories, PluginAddress


@pytest.fixture
def places(tmp_path: Path) -> Directories:
    sockets, etc, lib = (tmp_path / name for name in ("run", "etc", "lib"))
    for each in (sockets, etc, lib):
        each.mkdir()
    return Directories((sockets,), (etc, lib))


def listen(path: Path) -> None:
    """Leave a socket there."""
    path.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def test_a_socket_and_a_socket_in_a_directory_of_its_own(places: Directories) -> None:
    run = places.sockets[0]
    listen(run / "one.sock")
    listen(run / "two" / "two.sock")
    (run / "three.sock").write_text("no socket")
    assert places.find("one") == PluginAddress(socket=str(run / "one.sock"))
    assert places.find("two") == PluginAddress(socket=str(run / "two" / "two.sock"))
    assert places.find("three") is None


def test_a_socket_comes_before_files_and_etc_before_lib(places: Directories) -> None:
    etc, lib = places.files
    (lib / "one.spec").write_text("tcp://10.0.0.1:1\n")
    assert str(places.find("one")) == "tcp://10.0.0.1:1"
    (etc / "one.spec").write_text("unix:///run/other.sock")
    assert places.find("one") == PluginAddress(socket="/run/other.sock")
    listen(places.sockets[0] / "one.sock")
    assert str(places.find("one")).endswith("/run/one.sock")


def test_json_with_tls(places: Directories) -> None:
    etc = places.files[0]
    tls = {"InsecureSkipVerify": False, "CAFile": "/certs/ca.pem", "CertFile": "c.pem", "KeyFile": "k.pem"}
    (etc / "far.json").write_text(json.dumps({"Name": "far", "Addr": "https://far.example:8443", "TLSConfig": tls}))
    found = places.find("far")
    assert found is not None
    assert found.tls is not None
    assert (found.host, found.port, found.tls.ca_file) == ("far.example", 8443, "/certs/ca.pem")
    assert found.tls.certificate_file == str(etc / "c.pem")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", ".", "x" * 300, "a\0b"])
def test_names_that_are_none(places: Directories, name: str) -> None:
    assert places.find(name) is None


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("bad.spec", "ftp://x"),
        ("bad.spec", "tcp://nowhere"),
        ("bad.spec", "tcp://x:99999"),
        ("bad.spec", "unix://relative/path"),
        ("bad.spec", "x" * 70000),
        ("bad.json", "{"),
        ("bad.json", "[]"),
        ("bad.json", '{"Addr": 5}'),
        ("bad.json", '{"Addr": "tcp://x:1", "TLSConfig": []}'),
        ("bad.json", '{"Addr": "tcp://x:1", "TLSConfig": {"CAFile": 1}}'),
    ],
)
def test_files_that_make_no_sense_are_named(places: Directories, file: str, content: str) -> None:
    (places.files[0] / file).write_text(content)
    with pytest.raises(InvalidParameter, match=file):
        places.find("bad")
