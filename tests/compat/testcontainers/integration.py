"""Tests as users of Testcontainers write them; test_testcontainers.py runs them on the engine's host."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import (
    CompositeWaitStrategy,
    ContainerStatusWaitStrategy,
    ExecWaitStrategy,
    FileExistsWaitStrategy,
    HealthcheckWaitStrategy,
    HttpWaitStrategy,
    LogMessageWaitStrategy,
    PortWaitStrategy,
)

WEB = ["sh", "-c", "mkdir -p /www; echo words >/www/index.html; echo ready; exec httpd -f -p 80 -h /www"]


@pytest.fixture(scope="module")
def redis() -> Iterator[DockerContainer]:
    """A cache for all tests here."""
    made = DockerContainer("redis").with_exposed_ports(6379).with_tmpfs_mount("/data")
    with made.waiting_for(LogMessageWaitStrategy("Ready to accept connections")) as started:
        yield started


def ask(redis: DockerContainer, *words: str) -> bytes:
    """The answer to a command in Redis's inline form."""
    address = redis.get_container_host_ip(), redis.get_exposed_port(6379)
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(" ".join(words).encode() + b"\r\n")
        return connection.recv(1000)


def test_mapped_port(redis: DockerContainer) -> None:
    assert redis.get_exposed_port(6379) >= 32768
    assert ask(redis, "SET", "key", "value") == b"+OK\r\n"
    assert ask(redis, "GET", "key") == b"$5\r\nvalue\r\n"


def test_exec_logs_and_state(redis: DockerContainer) -> None:
    result = redis.exec(["redis-cli", "ping"])
    assert (result.exit_code, result.output) == (0, b"PONG\n")
    assert redis.exec("sh -c 'exit 3'").exit_code == 3
    stdout, stderr = redis.get_logs()
    assert re.search(rb"Ready to accept connections", stdout)
    assert stderr == b""
    assert redis.status == "running"
    info = redis.get_container_info()
    assert info is not None
    assert info.State is not None
    assert info.State.Running is True


def test_strategies_of_waiting() -> None:
    web = DockerContainer("busybox").with_command(WEB).with_exposed_ports(80).with_env("A", "b")
    web.with_kwargs(healthcheck={"test": ["CMD", "test", "-e", "/www/index.html"], "interval": 200_000_000})
    web.waiting_for(
        CompositeWaitStrategy(
            ContainerStatusWaitStrategy(),
            LogMessageWaitStrategy("ready"),
            PortWaitStrategy(80),
            HttpWaitStrategy(80).for_status_code(200),
            ExecWaitStrategy(["test", "-d", "/www"]),
            HealthcheckWaitStrategy(),
        )
    )
    with web as started:
        url = f"http://{started.get_container_host_ip()}:{started.get_exposed_port(80)}/"
        with urlopen(url, timeout=10) as answer:
            assert answer.read() == b"words\n"
        assert started.exec("sh -c 'echo $A'").output == b"b\n"


def test_networks_and_aliases() -> None:
    with Network() as network:
        server = DockerContainer("busybox").with_command(WEB).with_network(network).with_network_aliases("web", "www")
        client = DockerContainer("busybox").with_command("sleep 600").with_network(network)
        with server.waiting_for(LogMessageWaitStrategy("ready")), client:
            for name in ("web", "www"):
                assert client.exec(["wget", "-qO-", f"http://{name}/"]).output == b"words\n"


def test_files(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "from-here").write_text("mounted")
    note = tmp_path / "note"
    note.write_text("from a file")
    box = DockerContainer("busybox").with_command(["sh", "-c", "cat /etc/note; echo made >/shared/there; sleep 600"])
    box.with_copy_into_container(b"copied before the start\n", "/etc/note")
    box.with_volume_mapping(tmp_path / "shared", "/shared", "rw")
    box.waiting_for(FileExistsWaitStrategy(tmp_path / "shared" / "there"))
    with box as started:
        assert b"copied before the start" in started.get_logs()[0]
        started.copy_into_container(note, "/tmp/note", mode=0o600)
        assert started.exec(["stat", "-c", "%a %s", "/tmp/note"]).output == b"600 11\n"
        started.copy_from_container("/tmp/note", tmp_path / "back")
        assert (tmp_path / "back").read_text() == "from a file"
        assert started.exec(["cat", "/shared/from-here"]).output == b"mounted"


def test_the_end_of_a_container() -> None:
    with DockerContainer("busybox").with_command(["sh", "-c", "exit 5"]).with_name("ends") as container:
        assert container.wait() == 5
        container.reload()
        assert container.status == "exited"


def test_fixed_ports() -> None:
    box = DockerContainer("busybox").with_command(WEB).with_bind_ports(80, 8099)
    with box.waiting_for(HttpWaitStrategy(80)) as started:
        assert started.get_exposed_port(80) == 8099
