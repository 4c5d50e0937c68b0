"""Every public method that docker-py's low-level client has for execs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docker import APIClient, DockerClient
from docker.api.exec_api import ExecApiMixin
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from rig.eventually import eventually
from rig.walk import Walk


@pytest.fixture(scope="module", autouse=True)
def walk() -> Iterator[Walk]:
    """What of docker-py's has been used in this file."""
    with Walk(ExecApiMixin) as walk:
        yield walk


@pytest.fixture
def box(client: DockerClient) -> Container:
    """A container that runs."""
    return client.containers.run("busybox", ["sleep", "600"], name="box", detach=True)


def test_create_start_and_inspect(low: APIClient, box: Container) -> None:
    made = low.exec_create(box.id, ["sh", "-c", "echo out; echo err >&2; exit 3"], environment=["A=b"], workdir="/tmp")
    before = low.exec_inspect(made["Id"])
    assert (before["Running"], before["ExitCode"], before["ContainerID"]) == (False, None, box.id)
    assert before["ProcessConfig"]["entrypoint"] == "sh"
    assert low.exec_start(made["Id"], demux=True) == (b"out\n", b"err\n")
    after = low.exec_inspect(made)
    assert (after["Running"], after["ExitCode"]) == (False, 3)
    with pytest.raises(NotFound, match="No such exec"):
        low.exec_inspect("nothing")


def test_streamed_privileged_and_detached(low: APIClient, box: Container) -> None:
    made = low.exec_create(box.id, "seq 1 3", user="nobody")
    assert b"".join(low.exec_start(made, stream=True)) == b"1\n2\n3\n"
    made = low.exec_create(box.id, ["sh", "-c", "echo ready >/tmp/said; exec sleep 600"], stdout=False, stderr=False)
    low.exec_start(made, detach=True)
    eventually(lambda: low.exec_inspect(made)["Running"])
    eventually(lambda: box.exec_run("cat /tmp/said").output == b"ready\n")
    box.reload()
    assert made["Id"] in box.attrs["ExecIDs"]


def test_a_terminal_over_a_socket(low: APIClient, box: Container) -> None:
    made = low.exec_create(box.id, "sh", stdin=True, tty=True, detach_keys="ctrl-x")
    with low.exec_start(made, tty=True, socket=True) as sock:
        sock._sock.settimeout(10)
        low.exec_resize(made, height=31, width=101)
        sock._sock.sendall(b"stty size; exit 7\n")
        shown = b""
        while chunk := sock._sock.recv(1000):
            shown += chunk
        sock._sock.close()
    assert b"31 101" in shown
    eventually(lambda: low.exec_inspect(made)["ExitCode"] == 7)


def test_only_in_what_runs(low: APIClient, client: DockerClient) -> None:
    stopped = client.containers.create("busybox", "true")
    with pytest.raises(APIError, match="is not running") as refused:
        low.exec_create(stopped.id, "true")
    assert refused.value.status_code == 409
    with pytest.raises(NotFound, match="No such container"):
        low.exec_create("nobody", "true")


def test_every_method_was_walked(walk: Walk) -> None:
    assert walk.left == set()
