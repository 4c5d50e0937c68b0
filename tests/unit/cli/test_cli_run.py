"""`weft run`, `create`, `exec`, `attach`: what goes to the daemon, what comes back, exit statuses."""

import json
import os
import pty
import signal
import socket
import struct
import threading

import pytest
from fake_daemon import Answer, FakeDaemon, Request

ID = "c0ffee" + "0" * 58


def _frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


class Machine:
    """Containers that run a function on their stream, for the fake daemon."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self.started = threading.Event()
        self.exited = threading.Event()
        self.status = 0
        self.body = lambda connection: None
        self.tty = False
        daemon.on("POST", "/containers/create", Answer({"Id": ID, "Warnings": []}, status=201))
        daemon.on("POST", f"/containers/{ID}/start", self._start)
        daemon.on("POST", f"/containers/{ID}/wait", self._wait)
        daemon.on("POST", f"/containers/({ID}|web)/attach", Answer(hijack=self._attached))

    def _start(self, request: Request) -> Answer:
        self.started.set()
        return Answer(status=204)

    def _wait(self, request: Request) -> Answer:
        return Answer(chunks=_Later(self), wait=self.exited)

    def _attached(self, connection: socket.socket) -> None:
        self.started.wait(10)
        self.body(connection)
        connection.shutdown(socket.SHUT_WR)
        self.exited.set()


class _Later:
    """The exit status, known only when it is sent."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __iter__(self):
        yield json.dumps({"StatusCode": self._machine.status}).encode()


@pytest.fixture
def machine(daemon):
    return Machine(daemon)


def _created(daemon: FakeDaemon) -> dict:
    return daemon.sent("POST", "/containers/create")[0].document


def test_output_and_exit_status(weft, machine):
    def body(connection):
        connection.sendall(_frame(1, b"out\n") + _frame(2, b"err\n"))
        connection.sendall(_frame(1, b"x" * 100_000)[:50_000])
        connection.sendall(_frame(1, b"x" * 100_000)[50_000:])
        machine.status = 3

    machine.body = body
    done = weft("run", "--rm", "busybox", "true")
    assert done.stdout == b"out\n" + b"x" * 100_000
    assert done.stderr == b"err\n"
    assert done.returncode == 3


def test_standard_input_is_carried_and_half_closed(weft, machine):
    received = bytearray()

    def body(connection):
        while data := connection.recv(65536):
            received.extend(data)
            connection.sendall(_frame(1, data))

    machine.body = body
    sent = os.urandom(2_000_000)
    done = weft("run", "-i", "busybox", "cat", stdin=sent)
    assert bytes(received) == sent
    assert done.stdout == sent
    assert done.returncode == 0


def test_waiter_is_registered_before_the_start(weft, machine, daemon):
    weft("run", "--rm", "busybox")
    paths = [request.path.rsplit("/", 1)[1] for request in daemon.requests if request.method == "POST"]
    assert paths == ["create", "attach", "wait", "start"]
    assert daemon.sent("POST", ".*/wait")[0].query == {"condition": ["removed"]}


def test_signals_are_forwarded(weft, machine, daemon):
    killed = threading.Event()

    def kill(request: Request) -> Answer:
        killed.set()
        return Answer(status=204)

    daemon.on("POST", f"/containers/{ID}/kill", kill)
    ready = threading.Event()

    def body(connection):
        connection.sendall(_frame(1, b"ready\n"))
        ready.set()
        killed.wait(10)
        machine.status = 143

    machine.body = body
    import subprocess

    with weft.start("run", "busybox", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout.read(6) == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
    assert daemon.sent("POST", ".*/kill")[0].query == {"signal": ["TERM"]}


def test_detached_prints_the_id(weft, machine, daemon):
    done = weft("run", "-d", "--name", "x", "busybox")
    assert done.stdout == f"{ID}\n".encode()
    assert not daemon.sent("POST", ".*/attach")
    assert daemon.sent("POST", "/containers/create")[0].query == {"name": ["x"]}


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ('exec: "nosuch": executable file not found in $PATH', 127),
        ('exec: "/etc": permission denied', 126),
        ("driver failed programming external connectivity", 125),
    ],
)
def test_failed_start(weft, machine, daemon, message, status):
    daemon.on("POST", f"/containers/{ID}/start", Answer({"message": message}, status=400))
    done = weft("run", "busybox")
    expected = f"weft: Error response from daemon: {message}\n\nRun 'weft run --help' for more information\n"
    assert done.stderr.decode() == expected
    assert done.returncode == status


def test_missing_image_is_pulled(weft, machine, daemon):
    answers = iter([Answer({"message": "No such image: busybox:latest"}, status=404), Answer({"Id": ID}, status=201)])
    daemon.on("POST", "/containers/create", lambda request: next(answers))
    lines = [{"status": "Pulling from library/busybox", "id": "latest"}, {"status": "Status: Downloaded newer image"}]
    daemon.on("POST", "/images/create", Answer(chunks=[json.dumps(line).encode() + b"\r\n" for line in lines]))
    done = weft("run", "busybox")
    assert done.stderr.decode().splitlines() == [
        "Unable to find image 'busybox:latest' locally",
        "latest: Pulling from library/busybox",
        "Status: Downloaded newer image",
    ]
    assert daemon.sent("POST", "/images/create")[0].query == {"fromImage": ["busybox"], "tag": ["latest"]}


def test_failed_pull(weft, machine, daemon):
    daemon.on("POST", "/containers/create", Answer({"message": "No such image: x"}, status=404))
    daemon.on("POST", "/images/create", Answer(chunks=[b'{"errorDetail":{"message":"not there"},"error":"not there"}']))
    done = weft("run", "--pull", "missing", "busybox")
    assert done.stderr.decode().splitlines()[1] == "not there"
    assert done.returncode == 1


def test_never_pull(weft, machine, daemon):
    daemon.on("POST", "/containers/create", Answer({"message": "No such image: busybox:latest"}, status=404))
    done = weft("run", "--pull", "never", "busybox")
    assert done.returncode == 125
    assert not daemon.sent("POST", "/images/create")


CREATE = """create -it --name c --network name=n1,alias=a1,ip=10.0.0.9,gw-priority=5 --network n2 --rm
    -p 127.0.0.1:8080:80 -p 9000-9001:9000-9001/udp -p 53:53/udp -p [::1]:443:443 --expose 70 -P -e A=1 -e B=
    -v /a:/b:ro -v data:/c -v /anon --mount type=tmpfs,target=/t,tmpfs-size=1m --tmpfs /run:size=2m -w /work -u 1:2
    -h box --entrypoint /bin/x --init --cap-add NET_ADMIN --cap-drop ALL -m 64m --cpus 1.5 --pids-limit 10
    --ulimit nofile=5:6 --sysctl net.a=1 --read-only -l k=v --stop-signal INT --stop-timeout 3 --dns 1.1.1.1
    --dns-search x.y --dns-option ndots:2 --add-host h:1.2.3.4 --shm-size 1g --log-opt max-size=1m
    --annotation a=b --mount type=image,src=i,dst=/i,image-subpath=s
    --security-opt no-new-privileges --group-add 7 --restart no --privileged --cgroupns private --no-healthcheck"""


def test_health_checks(weft, machine, daemon):
    times = "--health-interval 1m30s --health-timeout 500ms --health-start-period 2s --health-start-interval 1s"
    done = weft("create", "--health-cmd", "test -e /ok", *times.split(), "--health-retries", "2", "img")
    assert (done.stderr, done.returncode) == (b"", 0)
    assert _created(daemon)["Healthcheck"] == {
        "Test": ["CMD-SHELL", "test -e /ok"],
        "Interval": 90 * 10**9,
        "Timeout": 500 * 10**6,
        "Retries": 2,
        "StartPeriod": 2 * 10**9,
        "StartInterval": 10**9,
    }
    both = weft("create", "--no-healthcheck", "--health-retries", "2", "img").stderr.decode()
    assert both.splitlines()[0] == "weft: --no-healthcheck conflicts with --health-* options"
    negative = weft("create", "--health-timeout", "-1s", "img").stderr.decode()
    assert negative.splitlines()[0] == "weft: --health-timeout cannot be negative"


def test_the_request(weft, machine, daemon, tmp_path):
    (tmp_path / "env").write_text("# comment\nC=3\n\nD\n")
    (tmp_path / "labels").write_text("from=file\n")
    done = weft(
        *CREATE.split(),
        "--env-file",
        str(tmp_path / "env"),
        "--label-file",
        str(tmp_path / "labels"),
        "img:1",
        "a",
        "-b",
    )
    assert (done.stderr, done.returncode) == (b"", 0)
    document = _created(daemon)
    host = document.pop("HostConfig")
    networks = document.pop("NetworkingConfig")["EndpointsConfig"]
    assert document == {
        "Image": "img:1",
        "Cmd": ["a", "-b"],
        "ExposedPorts": {p: {} for p in ("80/tcp", "9000/udp", "9001/udp", "53/udp", "443/tcp", "70/tcp")},
        "Volumes": {"/anon": {}},
        "Hostname": "box",
        "User": "1:2",
        "Env": ["C=3", "A=1", "B="],
        "WorkingDir": "/work",
        "Labels": {"from": "file", "k": "v"},
        "StopSignal": "INT",
        "StopTimeout": 3,
        "Entrypoint": ["/bin/x"],
        "Tty": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Healthcheck": {"Test": ["NONE"]},
    }
    assert networks == {
        "n1": {"IPAMConfig": {"IPv4Address": "10.0.0.9"}, "Aliases": ["a1"], "GwPriority": 5},
        "n2": {},
    }
    assert host == {
        "Annotations": {"a": "b"},
        "AutoRemove": True,
        "Binds": ["/a:/b:ro", "data:/c"],
        "CapAdd": ["NET_ADMIN"],
        "CapDrop": ["ALL"],
        "CgroupnsMode": "private",
        "Dns": ["1.1.1.1"],
        "DnsOptions": ["ndots:2"],
        "DnsSearch": ["x.y"],
        "ExtraHosts": ["h:1.2.3.4"],
        "GroupAdd": ["7"],
        "Init": True,
        "LogConfig": {"Config": {"max-size": "1m"}},
        "Memory": 64 << 20,
        "Mounts": [
            {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 1 << 20}},
            {"Type": "image", "Source": "i", "Target": "/i", "ImageOptions": {"Subpath": "s"}},
        ],
        "NanoCpus": 1_500_000_000,
        "NetworkMode": "n1",
        "PidsLimit": 10,
        "PortBindings": {
            "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
            "9000/udp": [{"HostIp": "", "HostPort": "9000"}],
            "9001/udp": [{"HostIp": "", "HostPort": "9001"}],
            "53/udp": [{"HostIp": "", "HostPort": "53"}],
            "443/tcp": [{"HostIp": "::1", "HostPort": "443"}],
        },
        "Privileged": True,
        "PublishAllPorts": True,
        "ReadonlyRootfs": True,
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "SecurityOpt": ["no-new-privileges"],
        "ShmSize": 1 << 30,
        "Sysctls": {"net.a": "1"},
        "Tmpfs": {"/run": "size=2m"},
        "Ulimits": [{"Name": "nofile", "Soft": 5, "Hard": 6}],
    }


def test_mac_address_goes_where_the_api_version_has_it(weft, machine, daemon):
    weft("create", "--mac-address", "92:d0:c6:0a:29:33", "busybox")
    daemon.api_version = "1.43"
    weft("create", "--mac-address", "92:d0:c6:0a:29:33", "busybox")
    newer, older = (request.document for request in daemon.sent("POST", "/containers/create"))
    assert newer["NetworkingConfig"]["EndpointsConfig"]["default"] == {"MacAddress": "92:d0:c6:0a:29:33"}
    assert "MacAddress" not in newer
    assert older["MacAddress"] == "92:d0:c6:0a:29:33"


RESOURCES = (
    "--blkio-weight 20 --cpu-rt-period 5 --cpu-rt-runtime 4 --cpuset-cpus 0-3 --cpuset-mems 0 --memory-swappiness 0 "
    "--oom-kill-disable --oom-score-adj -5 --device /dev/a --device /dev/a:/dev/b --device /dev/a:r "
    "--device /dev/a:/dev/../dev/c:mw --blkio-weight-device /dev/x:10 --device-read-bps /dev/x:1kb "
    "--device-write-bps /dev/x:2 --device-read-iops /dev/x:3 --device-write-iops /dev/x:4"
)


def test_resources(weft, machine, daemon):
    done = weft("create", *RESOURCES.split(), "--device-cgroup-rule", "c 1:* rwm", "img")
    assert (done.stderr, done.returncode) == (b"", 0)
    host = _created(daemon)["HostConfig"]
    for key in ("NetworkMode", "RestartPolicy"):
        del host[key]
    assert host == {
        "BlkioWeight": 20,
        "CpuRealtimePeriod": 5,
        "CpuRealtimeRuntime": 4,
        "CpusetCpus": "0-3",
        "CpusetMems": "0",
        "MemorySwappiness": 0,
        "OomKillDisable": True,
        "OomScoreAdj": -5,
        "Devices": [
            {"PathOnHost": "/dev/a", "PathInContainer": path, "CgroupPermissions": permissions}
            for path, permissions in (("/dev/a", "rwm"), ("/dev/b", "rwm"), ("/dev/a", "r"), ("/dev/c", "mw"))
        ],
        "DeviceCgroupRules": ["c 1:* rwm"],
        "BlkioWeightDevice": [{"Path": "/dev/x", "Weight": 10}],
        "BlkioDeviceReadBps": [{"Path": "/dev/x", "Rate": 1024}],
        "BlkioDeviceWriteBps": [{"Path": "/dev/x", "Rate": 2}],
        "BlkioDeviceReadIOps": [{"Path": "/dev/x", "Rate": 3}],
        "BlkioDeviceWriteIOps": [{"Path": "/dev/x", "Rate": 4}],
    }


@pytest.mark.parametrize(
    ("flag", "value", "text"),
    [
        ("--blkio-weight", "-1", 'strconv.ParseUint: parsing "-1": invalid syntax'),
        ("--blkio-weight", "65536", 'strconv.ParseUint: parsing "65536": value out of range'),
        ("--device", "a", "a is not an absolute path"),
        ("--device", ":/a", "bad format for path: :/a"),
        ("--device", "/a:/b:rr", "bad mode specified: rr"),
        ("--device", "/a:/b:r:w", "bad format for path: /a:/b:r:w"),
        ("--device-cgroup-rule", "c 1 r", "invalid device cgroup format 'c 1 r'"),
        ("--blkio-weight-device", "/dev/x", "bad format: /dev/x"),
        ("--blkio-weight-device", "/dev/x:9", "invalid weight for device: /dev/x:9"),
        ("--device-read-bps", "x:9", "bad format for device path: x:9"),
        ("--device-read-bps", "/dev/x:y", "invalid rate for device: /dev/x:y. The correct format is"),
        ("--device-read-iops", "/dev/x:1k", "invalid rate for device: /dev/x:1k. The correct format is"),
        ("--disable-content-trust=false", None, "Weft checks no signatures: pull by digest"),
    ],
)
def test_flags_that_are_written_wrong(weft, daemon, flag, value, text):
    done = weft("run", flag, *([value] if value else []), "busybox")
    assert text in done.stderr.decode().splitlines()[0]
    assert done.returncode == 125
    assert not daemon.requests


def test_unsupported_flag_is_refused_by_name(weft, daemon):
    done = weft("run", "--gpus", "all", "busybox")
    assert done.stderr.startswith(b"flag --gpus is not supported by Weft")
    assert done.returncode == 125
    assert not daemon.requests


def test_id_file(weft, machine, daemon, tmp_path):
    path = tmp_path / "cid"
    assert weft("create", "--cidfile", str(path), "busybox").returncode == 0
    assert path.read_text() == ID
    assert b"container ID file found" in weft("run", "--cidfile", str(path), "busybox").stderr
    path.unlink()
    daemon.on("POST", "/containers/create", Answer({"message": "no"}, status=500))
    assert weft("create", "--cidfile", str(path), "busybox").returncode == 1
    assert not path.exists()


def test_a_terminal_is_needed_for_it(weft, machine, daemon):
    done = weft("run", "-it", "busybox")
    assert (done.stderr, done.returncode) == (b"the input device is not a TTY\n", 1)
    assert not daemon.sent("POST", "/containers/create")


def test_terminal_detach_sequence(weft, machine, daemon):
    daemon.on("POST", f"/containers/{ID}/resize", Answer())
    received = bytearray()
    gone = threading.Event()

    def body(connection):
        connection.sendall(b"prompt# ")
        while data := connection.recv(100):
            received.extend(data)
        gone.set()

    machine.body = body
    control, terminal = pty.openpty()
    with weft.start("run", "-it", "busybox", stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while not shown.endswith(b"prompt# "):
            shown += os.read(control, 100)
        os.write(control, b"a\x10b\x10\x11never sent")
        assert process.wait(10) == 0
    assert gone.wait(10)
    os.close(control)
    assert bytes(received) == b"a\x10b"


def test_exec_status_and_request(weft, daemon):
    daemon.on("POST", "/containers/web/exec", Answer({"Id": "e1"}, status=201))
    daemon.on("POST", "/exec/e1/start", Answer(hijack=lambda connection: connection.sendall(_frame(1, b"hi\n"))))
    daemon.on("GET", "/exec/e1/json", Answer({"ExitCode": 5, "Running": False}))
    done = weft("exec", "-e", "A=1", "-u", "0", "web", "sh", "-c", "exit 5")
    assert (done.stdout, done.returncode) == (b"hi\n", 5)
    document = daemon.sent("POST", "/containers/web/exec")[0].document
    assert document["Cmd"] == ["sh", "-c", "exit 5"]
    assert document["Env"] == ["A=1"]
    assert (document["AttachStdin"], document["AttachStdout"], document["User"]) == (False, True, "0")


def test_attach_to_what_does_not_run(weft, daemon):
    daemon.on("GET", "/containers/off/json", Answer({"Id": ID, "State": {"Running": False}, "Config": {}}))
    done = weft("attach", "off")
    assert done.stderr == b"You cannot attach to a stopped container, start it first\n"
    assert done.returncode == 1


def test_attach(weft, machine, daemon):
    daemon.on("POST", "/containers/web/wait", Answer({"StatusCode": 7}, wait=machine.exited))
    machine.started.set()
    machine.body = lambda connection: connection.sendall(_frame(1, b"log\n"))
    done = weft("attach", "--no-stdin", "web")
    assert (done.stdout, done.returncode) == (b"log\n", 7)


def test_start_attached(weft, machine, daemon):
    container = {"Id": ID, "State": {"Running": False}, "Config": {"Tty": False, "OpenStdin": True}, "HostConfig": {}}
    daemon.on("GET", "/containers/job/json", Answer(container))
    machine.body = lambda connection: connection.sendall(_frame(1, connection.recv(100)))
    machine.status = 9
    done = weft("start", "-ai", "job", stdin=b"typed")
    assert (done.stdout, done.returncode) == (b"typed", 9)
    assert daemon.sent("POST", ".*/wait")[0].query == {"condition": ["next-exit"]}
