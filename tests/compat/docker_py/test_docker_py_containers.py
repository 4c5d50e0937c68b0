"""Every public method that docker-py has for containers: Container, ContainerCollection and the low-level mixin."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator

import pytest
from docker import APIClient, DockerClient
from docker.api.container import ContainerApiMixin
from docker.errors import APIError, ContainerError, DockerException, NotFound, NullResource
from docker.models.containers import Container, ContainerCollection
from docker.types import LogConfig, Mount, Ulimit

from rig.engine import Engine
from rig.eventually import eventually
from rig.walk import Walk

SPEAKS = ["sh", "-c", "echo out; echo err >&2; exec top -b >/dev/null"]
ON_TERM = ["sh", "-c", "trap 'exit 4' TERM; echo up; while :; do sleep 0.05; done"]


@pytest.fixture(scope="module", autouse=True)
def walk() -> Iterator[Walk]:
    """What of docker-py's has been used in this file."""
    with Walk(Container, ContainerCollection, ContainerApiMixin) as walk:
        yield walk


@pytest.fixture
def top(client: DockerClient) -> Container:
    """A container that runs and says nothing."""
    return client.containers.run("busybox", ["sleep", "600"], name="box", labels={"team": "blue"}, detach=True)


def test_run(client: DockerClient) -> None:
    assert client.containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"
    both = client.containers.run("busybox", "sh -c 'echo out; echo err >&2'", stderr=True, remove=True)
    assert sorted(both.splitlines()) == [b"err", b"out"]
    assert b"".join(client.containers.run("busybox", "seq 1 3", stream=True)) == b"1\n2\n3\n"
    with pytest.raises(ContainerError) as failed:
        client.containers.run("busybox", ["sh", "-c", "echo trouble >&2; exit 3"], remove=True)
    assert (failed.value.exit_status, failed.value.stderr) == (3, b"trouble\n")
    with pytest.raises(APIError, match="no-such-program") as refused:
        client.containers.run("busybox", "no-such-program", remove=True)
    assert refused.value.status_code == 400
    with pytest.raises(NotFound):  # it is pulled when it is not here
        client.containers.run("127.0.0.1:5000/no-such-image")


def test_run_with_many_options(client: DockerClient, engine: Engine) -> None:
    """What a container sees of the options that docker-py spells out, and what inspect shows of them."""
    client.volumes.create("data")
    network = client.networks.create("net")
    container = client.containers.run(
        "busybox",
        ["sleep", "600"],
        cap_add=["NET_ADMIN"],
        cap_drop=["MKNOD"],
        cpu_period=100_000,
        cpu_quota=50_000,
        cpu_shares=512,
        detach=True,
        dns=["192.0.2.53"],
        dns_opt=["ndots:3"],
        dns_search=["example.com"],
        domainname="lab",
        entrypoint=["/bin/busybox"],
        environment={"A": "b", "EMPTY": ""},
        extra_hosts={"other": "192.0.2.1"},
        group_add=["50"],
        hostname="host",
        init=True,
        ipc_mode="private",
        labels=["one", "two"],
        log_config=LogConfig(type=LogConfig.types.JSON, config={"max-size": "1m"}),
        mac_address="02:42:00:00:00:77" if engine.reference else None,
        mem_limit="64m",
        memswap_limit="96m",
        mounts=[Mount("/data", "data"), Mount("/scratch", None, type="tmpfs", tmpfs_size="1m")],
        name="box",
        network="net",
        pids_limit=50,
        ports={"80/tcp": ("127.0.0.1", 8080), 81: None},
        read_only=True,
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 2},
        security_opt=["no-new-privileges"],
        shm_size="8m",
        stop_signal="SIGINT",
        sysctls={"net.ipv4.ip_unprivileged_port_start": "80"},
        tmpfs={"/run": "size=64k"},
        tty=True,
        stdin_open=True,
        ulimits=[Ulimit(name="nofile", soft=100, hard=200)],
        user="nobody",
        volumes=["/anonymous"],
        working_dir="/tmp",
    )
    network.reload()
    shown = container.exec_run(
        "sh -c 'hostname; id; pwd; echo $A; ulimit -n; cat /etc/resolv.conf /etc/hosts; df /run /dev/shm /scratch'"
    ).output.decode()
    for text in ("host\n", "uid=65534", "50(staff)", "/tmp\n", "b\n", "100\n", "search example.com", "ndots:3"):
        assert text in shown
    assert "192.0.2.1\tother" in shown
    attrs = client.containers.get("box").attrs
    host = attrs["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["CpuQuota"]) == (64 << 20, 96 << 20, 50_000)
    assert (host["PidsLimit"], host["ShmSize"], host["Init"]) == (50, 8 << 20, True)
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m"}}
    assert host["RestartPolicy"]["Name"] == "on-failure"
    assert attrs["Config"]["Labels"] == {"one": "", "two": ""}
    assert {one["Destination"] for one in attrs["Mounts"]} >= {"/data", "/anonymous", "/scratch"}


def test_properties(client: DockerClient, top: Container) -> None:
    assert (top.name, top.status, top.labels) == ("box", "created", {"team": "blue"})
    top.reload()
    assert (top.status, top.health, top.ports) == ("running", "unknown", {})
    assert top.image.tags == ["busybox:latest"]
    assert top.id.startswith(top.short_id)
    assert top == client.containers.get("box")
    assert hash(top) == hash(client.containers.get(top.short_id))
    with pytest.raises(NotFound):
        client.containers.get("nobody")
    with pytest.raises(NullResource):
        client.containers.get("")


def test_listing(client: DockerClient, low: APIClient, top: Container) -> None:
    other = client.containers.create("busybox", name="two", ports={"80/tcp": 8080})
    names = {
        "running": client.containers.list(),
        "all": client.containers.list(all=True),
        "newest": client.containers.list(limit=1),
        "label": client.containers.list(filters={"label": "team=blue"}),
        "status": client.containers.list(all=True, filters={"status": ["created"]}),
        "since": client.containers.list(filters={"since": "box"}),
        "all since": client.containers.list(all=True, filters={"since": "box"}),
        "before": client.containers.list(filters={"before": "two"}),
        "sparse": client.containers.list(all=True, sparse=True, ignore_removed=True),
        "nothing": client.containers.list(filters={"name": "nobody"}),
    }
    assert {key: [one.name if key != "sparse" else one.id for one in found] for key, found in names.items()} == {
        "running": ["box"],
        "all": ["two", "box"],
        "newest": ["two"],
        "label": ["box"],
        "status": ["two"],
        "since": [],
        "all since": ["two"],
        "before": ["box"],
        "sparse": [other.id, top.id],
        "nothing": [],
    }
    assert low.containers(quiet=True) == [{"Id": top.id}]
    assert low.containers(trunc=True)[0]["Id"] == top.id[:12]
    assert low.containers(size=True)[0]["SizeRootFs"] > 0
    assert [one["Id"] for one in low.containers(latest=True)] == [other.id]
    with pytest.raises(APIError, match="invalid filter") as refused:
        client.containers.list(filters={"colour": "red"})
    assert refused.value.status_code in (400, 500)


def test_life(client: DockerClient, low: APIClient) -> None:
    container = client.containers.create("busybox", ON_TERM, name="one")
    container.start()
    container.start()  # it runs: nothing to do, and no error
    eventually(lambda: container.logs() == b"up\n")
    container.pause()
    with pytest.raises(APIError, match="is already paused") as refused:
        container.pause()
    assert refused.value.status_code == 409
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.rename("uno")
    assert client.containers.get("uno").id == container.id
    container.stop(timeout=5)
    container.stop()
    assert container.wait(timeout=10)["StatusCode"] == 4
    container.restart(timeout=0)
    container.kill()
    assert container.wait(condition="not-running")["StatusCode"] == 137
    container.start()
    low.kill(container.id, signal="SIGKILL")
    assert low.wait(container.id)["StatusCode"] == 137
    with pytest.raises(APIError, match="is not running") as refused:
        container.kill()
    assert refused.value.status_code == 409
    container.remove(v=True, force=True)
    with pytest.raises(NotFound, match="No such container"):
        container.reload()


def test_wait_for_the_next_exit_and_for_removal(client: DockerClient) -> None:
    container = client.containers.create("busybox", ["sh", "-c", "exit 6"], auto_remove=True)
    answers: list[object] = []
    waiting = [
        threading.Thread(target=lambda: answers.append(container.wait(condition="next-exit", timeout=30))),
        threading.Thread(target=lambda: answers.append(container.wait(condition="removed", timeout=30))),
    ]
    for one in waiting:
        one.start()
    container.start()
    for one in waiting:
        one.join(30)
    assert [answer["StatusCode"] for answer in answers] == [6, 6]  # type: ignore[index]


def test_logs(client: DockerClient) -> None:
    container = client.containers.run("busybox", SPEAKS, detach=True)
    eventually(lambda: len(container.logs()) == 8)
    assert container.logs(stdout=False) == b"err\n"
    assert container.logs(stderr=False) == b"out\n"
    assert len(container.logs(tail=1)) == 4
    assert container.logs(timestamps=True).count(b"Z ") == 2
    assert container.logs(since=2_000_000_000) == b""
    assert container.logs(until=1) == b""
    followed = container.logs(stream=True, follow=True)
    assert {next(followed), next(followed)} == {b"out\n", b"err\n"}
    container.kill()
    assert list(followed) == []


def test_attach(client: DockerClient, low: APIClient) -> None:
    container = client.containers.create("busybox", ["sh", "-c", "for i in 1 2 3; do echo $i; done; echo e >&2"])
    lines = container.attach(stream=True, logs=True)
    container.start()
    assert sorted(b"".join(lines)) == sorted(b"1\n2\n3\ne\n")
    container.wait()


def test_attach_over_a_socket(client: DockerClient, low: APIClient) -> None:
    container = client.containers.create("busybox", "cat", stdin_open=True, tty=True)
    sock = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    low.resize(container.id, height=20, width=70)
    container.resize(21, 71)
    sock._sock.settimeout(10)
    sock._sock.sendall(b"typed\n")
    shown = b""
    while shown.count(b"typed") < 2:
        shown += sock._sock.recv(100)
    sock._sock.close()
    assert container.exec_run("stty -F /dev/pts/0 size").output in (b"21 71\n", b"21 71\r\n")
    container.kill()
    with pytest.raises(APIError, match="is not running"):
        container.resize(20, 70)


def test_attach_over_a_web_socket_is_not_for_unix_sockets(low: APIClient, top: Container) -> None:
    with pytest.raises(DockerException):
        low.attach_socket(top.id, ws=True)


def test_exec_run(top: Container) -> None:
    result = top.exec_run(["sh", "-c", "echo out; echo err >&2; exit 5"], demux=True)
    assert (result.exit_code, result.output) == (5, (b"out\n", b"err\n"))
    assert b"".join(top.exec_run("seq 1 3", stream=True).output) == b"1\n2\n3\n"
    result = top.exec_run("sh -c 'echo $A; pwd; id -u'", environment={"A": "b"}, workdir="/etc", user="nobody")
    assert result.output == b"b\n/etc\n65534\n"
    assert top.exec_run("true", detach=True).output in (b"", "")
    assert top.exec_run("no-such-program").exit_code in (126, 127)


def test_top(low: APIClient, top: Container) -> None:
    assert top.top()["Titles"][:2] == ["UID", "PID"]
    assert top.top(ps_args="-eo pid,args")["Processes"][0][1] == "sleep 600"
    with pytest.raises(NotFound):
        low.top("nobody")


def test_ports(client: DockerClient, low: APIClient) -> None:
    container = client.containers.run(
        "busybox",
        ["sleep", "600"],
        ports={"80/tcp": ("127.0.0.1", 8080), "81/tcp": None, "82/udp": [8082, 8083]},
        detach=True,
    )
    container.reload()
    assert container.ports["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "8080"}]
    assert low.port(container.id, 80) == [{"HostIp": "127.0.0.1", "HostPort": "8080"}]
    assert {one["HostPort"] for one in low.port(container.id, "82/udp")} == {"8082", "8083"}
    assert low.port(container.id, 99) is None
    assert int(container.ports["81/tcp"][0]["HostPort"]) >= 32768


def test_low_level_creation(client: DockerClient, low: APIClient) -> None:
    client.networks.create("net", ipam={"Config": [{"Subnet": "10.77.0.0/24"}]})
    host = low.create_host_config(
        binds=["/run:/host:ro"], port_bindings={80: 8080}, network_mode="net", privileged=True
    )
    endpoint = low.create_endpoint_config(ipv4_address="10.77.0.9", aliases=["www"])
    networking = low.create_networking_config({"net": endpoint})
    made = low.create_container(
        "busybox",
        ["sleep", "600"],
        name="one",
        ports=[80],
        host_config=host,
        networking_config=networking,
        volumes=["/host"],
    )
    assert made["Warnings"] in ([], None)
    low.start(made["Id"])
    with pytest.raises(DockerException):
        low.start(made["Id"], binds=["/tmp:/host"])
    inspected = low.inspect_container("one")
    assert inspected["NetworkSettings"]["Networks"]["net"]["IPAddress"] == "10.77.0.9"
    assert inspected["HostConfig"]["Binds"] == ["/run:/host:ro"]
    config = low.create_container_config("busybox", ["true"], labels={"a": "b"}, host_config=low.create_host_config())
    again = low.create_container_from_config(config, name="two")
    assert low.inspect_container(again)["Config"]["Labels"]["a"] == "b"
    with pytest.raises(APIError, match="is already in use") as refused:
        low.create_container_from_config(config, name="two")
    assert refused.value.status_code == 409
    low.remove_container("two")
    with pytest.raises(APIError, match=r"running container|container is running") as refused:
        low.remove_container("one")
    assert refused.value.status_code == 409


def test_update(client: DockerClient, top: Container) -> None:
    assert top.update(mem_limit="32m", memswap_limit="64m", cpu_shares=256)["Warnings"] in ([], None)
    top.update(restart_policy={"Name": "on-failure", "MaximumRetryCount": 3})
    top.reload()
    host = top.attrs["HostConfig"]
    assert (host["Memory"], host["CpuShares"]) == (32 << 20, 256)
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert client.api.update_container("box", cpu_quota=20_000, cpu_period=100_000) is not None
    with pytest.raises(NotFound):
        client.api.update_container("nobody", cpu_shares=2)


def test_prune(client: DockerClient, low: APIClient, top: Container) -> None:
    stopped = [client.containers.create("busybox", labels={"keep": keep}).id for keep in ("no", "yes")]
    assert low.prune_containers(filters={"label": "keep=no"})["ContainersDeleted"] == [stopped[0]]
    pruned = client.containers.prune()
    assert pruned["ContainersDeleted"] == [stopped[1]]
    assert pruned["SpaceReclaimed"] == 0
    assert client.containers.list(all=True) == [top]


def packed(name: str, content: bytes) -> bytes:
    """A tar archive of one file."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def unpacked(chunks: Iterator[bytes]) -> dict[str, bytes]:
    """What the files of a tar archive hold."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive if entry.isfile()}
        return {name: opened.read() for name, opened in files.items() if opened is not None}


def test_archives(client: DockerClient, top: Container) -> None:
    assert top.put_archive("/tmp", packed("file", b"kept")) is True
    assert top.exec_run("cat /tmp/file").output == b"kept"
    chunks, about = top.get_archive("/tmp/file")
    assert (about["name"], about["size"]) == ("file", 4)
    assert unpacked(chunks) == {"file": b"kept"}
    chunks, _ = top.get_archive("/tmp", encode_stream=True)
    assert unpacked(chunks) == {"tmp/file": b"kept"}
    with pytest.raises(NotFound, match="Could not find the file /nowhere in container"):
        top.get_archive("/nowhere")
    with pytest.raises(NotFound):
        top.put_archive("/nowhere", packed("file", b"kept"))
    with pytest.raises(NotFound):
        client.api.get_archive("nobody", "/tmp")
    stopped = client.containers.create("busybox", ["cat", "/root/late"])
    stopped.put_archive("/root", packed("late", b"before the start"))
    stopped.start()
    stopped.wait()
    assert stopped.logs() == b"before the start"


def test_diff(top: Container) -> None:
    top.exec_run("sh -c 'echo new >/root/new; rm /etc/group'")
    changes = {one["Path"]: one["Kind"] for one in top.diff()}
    assert changes == {"/root": 0, "/root/new": 1, "/etc": 0, "/etc/group": 2}


def test_export(top: Container) -> None:
    top.exec_run("sh -c 'echo new >/root/new'")
    files = unpacked(top.export())
    assert files["root/new"] == b"new\n"
    assert "etc/passwd" in files


def test_commit(client: DockerClient, top: Container) -> None:
    top.exec_run("sh -c 'echo kept >/root/kept'")
    image = top.commit("mine", tag="one", message="a note", author="me", changes="ENV A=b", conf={"Labels": {"c": "d"}})
    assert image.tags == ["mine:one"]
    assert client.containers.run("mine:one", ["sh", "-c", "cat /root/kept; echo $A"], remove=True) == b"kept\nb\n"
    assert image.history()[0]["Comment"] == "a note"
    assert image.labels["c"] == "d"
    client.images.remove("mine:one")


def test_stats(client: DockerClient, low: APIClient, top: Container) -> None:
    once = top.stats(stream=False)
    assert once["name"] == "/box"
    assert once["memory_stats"]["usage"] > 0
    assert once["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    assert once["networks"]["eth0"]["rx_bytes"] >= 0
    assert once["pids_stats"]["current"] == 1
    streamed = top.stats(decode=True)
    assert [next(streamed)["id"] for _ in range(2)] == [top.id] * 2
    assert low.stats(top.id, stream=False, one_shot=True)["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    with pytest.raises(NotFound):
        client.api.stats("nobody", stream=False)


def test_health(client: DockerClient) -> None:
    container = client.containers.run(
        "busybox",
        ["sleep", "600"],
        detach=True,
        healthcheck={"test": ["CMD", "test", "-e", "/tmp/well"], "interval": 200_000_000, "retries": 2},
    )

    def health() -> str:
        container.reload()
        return str(container.health)

    assert health() == "starting"
    eventually(lambda: health() == "unhealthy")
    container.exec_run("touch /tmp/well")
    eventually(lambda: health() == "healthy")
    assert [one.id for one in client.containers.list(filters={"health": "healthy"})] == [container.id]


def test_every_method_was_walked(walk: Walk) -> None:
    assert walk.left == set()
