"""Sockets of the API: made, refused, inherited, encrypted."""

import grp
import os
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from weft.daemon.config.daemon_config import DaemonConfig
from weft.daemon.config.host import Host, InheritedHost, TcpHost, UnixHost
from weft.daemon.listeners import close_listeners, open_listeners
from weft.model.errors import Conflict, InvalidParameter, SystemFailure

OWN_GROUP = grp.getgrgid(os.getgid()).gr_name


def config(*hosts: Host, **options: object) -> DaemonConfig:
    return DaemonConfig(hosts=hosts, **({"group": OWN_GROUP} | options))  # type: ignore[arg-type]


def test_a_unix_socket_is_for_root_and_the_group_and_gone_when_closed(tmp_path: Path) -> None:
    path = tmp_path / "run" / "weft.sock"
    [listener] = open_listeners(config(UnixHost(str(path))), {})
    found = path.stat()
    assert found.st_mode & 0o777 == 0o660
    assert found.st_gid == os.getgid()
    assert listener.tls is None
    assert not listener.socket.getblocking()
    close_listeners([listener])
    assert not path.exists()


def test_a_dead_socket_is_replaced_and_a_living_one_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "weft.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    opened = open_listeners(config(UnixHost(path)), {})
    with pytest.raises(Conflict, match="is another daemon running"):
        open_listeners(config(UnixHost(path)), {})
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    close_listeners(opened)


def test_a_file_in_the_sockets_place_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "weft.sock"
    path.write_text("precious")
    with pytest.raises(Conflict, match="no socket"):
        open_listeners(config(UnixHost(str(path))), {})
    assert path.read_text() == "precious"


def test_a_group_that_was_asked_for_must_exist_and_docker_need_not(tmp_path: Path) -> None:
    host = UnixHost(str(tmp_path / "weft.sock"))
    with pytest.raises(InvalidParameter, match="group nosuchgroup not found"):
        open_listeners(config(host, group="nosuchgroup", group_given=True), {})
    assert not Path(host.path).exists()
    close_listeners(open_listeners(config(host, group=str(os.getgid()), group_given=True), {}))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to root's group")
def test_where_there_is_no_group_docker_the_socket_is_roots(tmp_path: Path) -> None:
    host = UnixHost(str(tmp_path / "weft.sock"))
    opened = open_listeners(config(host, group="nosuchgroup"), {})
    assert Path(host.path).stat().st_gid == 0
    close_listeners(opened)


def test_tcp_listens_and_a_taken_port_is_said(tmp_path: Path) -> None:
    [listener] = open_listeners(config(TcpHost("localhost", 0)), {})
    port = listener.socket.getsockname()[1]
    assert listener.socket.getsockname()[0] == "127.0.0.1"
    unix = UnixHost(str(tmp_path / "weft.sock"))
    with pytest.raises(SystemFailure, match=f"can't create tcp://127.0.0.1:{port} socket: Address already in use"):
        open_listeners(config(unix, TcpHost("127.0.0.1", port)), {})
    assert not Path(unix.path).exists()
    close_listeners([listener])


def test_what_others_reach_is_refused_by_its_address_whatever_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("0.0.0.0", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", elsewhere)
    with pytest.raises(InvalidParameter, match="without --tlsverify"):
        open_listeners(config(TcpHost("localhost", 0)), {})


INHERITOR = """
import os, socket, sys
from weft.daemon.config.daemon_config import DaemonConfig
from weft.daemon.config.host import InheritedHost
from weft.daemon.listeners import open_listeners
from weft.model.errors import WeftError
os.environ["LISTEN_PID"] = str(os.getpid())
number = int(sys.argv[1]) if sys.argv[1] else None
try:
    found = open_listeners(DaemonConfig(hosts=(InheritedHost(number),)), os.environ)
    print([each.socket.getsockname() for each in found], os.get_inheritable(found[0].socket.fileno()))
except WeftError as error:
    print(error.message)
"""


def inherit(number: str, *sockets: socket.socket) -> str:
    """Run a process to which these sockets are passed as systemd passes them."""
    for at, sock in enumerate(sockets):
        os.dup2(sock.fileno(), 200 + at)
    moves = "".join(f"{3 + at}<&{200 + at} " for at in range(len(sockets)))
    script = f'exec "$0" -c "$1" "$2" {moves}'
    descriptors = [200 + at for at in range(len(sockets))]
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, INHERITOR, number],
        env={**os.environ, "LISTEN_FDS": str(len(sockets))},
        pass_fds=descriptors,
        capture_output=True,
        text=True,
        check=True,
    )
    for descriptor in descriptors:
        os.close(descriptor)
    return done.stdout.strip()


def test_systemds_sockets_are_taken_all_or_one(tmp_path: Path) -> None:
    first, second = str(tmp_path / "a"), str(tmp_path / "b")
    with socket.socket(socket.AF_UNIX) as a, socket.socket(socket.AF_UNIX) as b:
        for sock, path in ((a, first), (b, second)):
            sock.bind(path)
            sock.listen()
        assert inherit("", a, b) == f"{[first, second]} False"
        assert inherit("4", a, b) == f"{[second]} False"
        assert "no sockets found via socket activation for fd://5" in inherit("5", a, b)


def test_a_tcp_socket_of_systemds_that_others_reach_needs_tlsverify_too() -> None:
    with socket.create_server(("0.0.0.0", 0)) as open_to_all:
        assert "without --tlsverify" in inherit("", open_to_all)


def test_without_systemd_there_are_none() -> None:
    with pytest.raises(InvalidParameter, match="no sockets found via socket activation"):
        open_listeners(config(InheritedHost()), {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid() + 1)})


def certificates(at: Path) -> dict[str, str]:
    """Make a CA, and a server's and a client's certificate of it; returns the daemon's options."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=at, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2")
    for name in ("server", "client"):
        openssl("req", *key, "-keyout", f"{name}-key.pem", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (at / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"),
            *("-out", f"{name}.pem", "-days", "2", "-extfile", "ext"),
        )
    return {"tlscacert": f"{at}/ca.pem", "tlscert": f"{at}/server.pem", "tlskey": f"{at}/server-key.pem"}


def handshake(at: Path, *, with_certificate: bool, **options: object) -> str:
    """Return what a client hears of a server with these options."""
    listeners = open_listeners(config(TcpHost("127.0.0.1", 0), **options), {})
    [listener] = listeners
    assert listener.tls is not None

    def serve() -> None:
        listener.socket.setblocking(True)
        connection, _ = listener.socket.accept()
        with connection:
            connection.settimeout(10)
            try:
                with listener.tls.wrap_socket(connection, server_side=True) as encrypted:  # type: ignore[union-attr]
                    encrypted.send(b"welcome")
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    context = ssl.create_default_context(cafile=str(at / "ca.pem"))
    if with_certificate:
        context.load_cert_chain(at / "client.pem", at / "client-key.pem")
    try:
        plain = socket.create_connection(listener.socket.getsockname(), timeout=10)
        with plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as encrypted:
            return encrypted.recv(100).decode()
    except OSError as error:
        return type(error).__name__
    finally:
        thread.join()
        close_listeners(listeners)


def test_tlsverify_demands_a_certificate_of_our_ca_and_tls_alone_does_not(tmp_path: Path) -> None:
    files = certificates(tmp_path)
    assert handshake(tmp_path, with_certificate=True, tls=True, tlsverify=True, **files) == "welcome"
    assert handshake(tmp_path, with_certificate=False, tls=True, tlsverify=True, **files) != "welcome"
    assert handshake(tmp_path, with_certificate=False, tls=True, **files) == "welcome"


def test_missing_certificates_are_named(tmp_path: Path) -> None:
    files = certificates(tmp_path)
    host = TcpHost("127.0.0.1", 0)
    with pytest.raises(InvalidParameter, match="could not load X509 key pair"):
        open_listeners(config(host, tls=True, tlsverify=True, **(files | {"tlskey": "/nowhere"})), {})
    with pytest.raises(InvalidParameter, match="could not read CA certificate '/nowhere'"):
        open_listeners(config(host, tls=True, tlsverify=True, **(files | {"tlscacert": "/nowhere"})), {})
