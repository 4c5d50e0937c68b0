"""Commands that change something: what they send, print and return."""

import json
import subprocess
import sys

import pytest
from fake_daemon import Answer

NO = Answer({"message": "No such container: nope"}, status=404)
OK = Answer(status=204)


def test_many_names_go_on_after_an_error(weft, daemon):
    daemon.on("DELETE", "/containers/(a|b)", OK)
    daemon.on("DELETE", "/containers/nope", NO)
    done = weft("rm", "-fv", "a", "nope", "b")
    assert done.stdout == b"a\nb\n"
    assert done.stderr == b"Error response from daemon: No such container: nope\n"
    assert done.returncode == 0
    assert weft("rm", "nope").returncode == 1
    assert daemon.sent("DELETE", "/containers/a")[0].query == {"force": ["1"], "v": ["1"]}


def test_stop_in_parallel_keeps_the_order(weft, daemon):
    daemon.on("POST", "/containers/c[0-9]+/stop", OK)
    names = [f"c{number}" for number in range(20)]
    done = weft("stop", "-t", "5", "-s", "INT", *names)
    assert done.stdout.decode().split() == names
    queries = [request.query for request in daemon.sent("POST", ".*/stop")]
    assert queries == [{"signal": ["INT"], "t": ["5"]}] * 20


def test_deprecated_flag_says_so(weft, daemon):
    daemon.on("POST", "/containers/a/restart", OK)
    done = weft("restart", "--time", "0", "a")
    assert done.stderr == b"Flag --time has been deprecated, use --timeout instead\n"
    assert daemon.sent("POST", ".*/restart")[0].query == {"t": ["0"]}


def test_start_names_what_failed(weft, daemon):
    daemon.on("POST", "/containers/a/start", OK)
    daemon.on("POST", "/containers/nope/start", NO)
    done = weft("start", "a", "nope")
    assert done.stdout == b"a\n"
    assert done.stderr.decode().splitlines()[-1] == "Error: failed to start containers: nope"
    assert done.returncode == 1


def test_filters_reach_the_daemon(weft, daemon):
    weft("ps", "-n", "3", "-f", "status=running", "--filter", "label=a=b", "-f", "status=paused")
    query = daemon.sent("GET", "/containers/json")[0].query
    assert query["limit"] == ["3"]
    expected = {"status": {"running": True, "paused": True}, "label": {"a=b": True}}
    assert json.loads(query["filters"][0]) == expected


def test_size_is_asked_for_only_where_a_template_needs_it(weft, daemon):
    weft("ps", "--format", "{{.ID}}")
    weft("ps", "--format", "{{.Size}}")
    assert [request.query.get("size") for request in daemon.sent("GET", "/containers/json")] == [None, ["1"]]


NETWORK = """network create -d bridge --subnet 10.1.0.0/16,fd00::/64 --gateway 10.1.0.1 --ip-range 10.1.2.0/24
    --aux-address r=10.1.0.5 --label k=v -o mtu=1400 --ipv6 --internal net"""


def test_network_create(weft, daemon):
    daemon.on("POST", "/networks/create", Answer({"Id": "n" * 64, "Warning": "careful"}, status=201))
    done = weft(*NETWORK.split())
    assert (done.stdout, done.stderr) == (b"n" * 64 + b"\n", b"WARNING: careful\n")
    document = daemon.sent("POST", "/networks/create")[0].document
    assert document["EnableIPv6"] is True
    assert "EnableIPv4" not in document
    assert document["Options"] == {"mtu": "1400"}
    assert document["IPAM"]["Config"] == [
        {"Subnet": "10.1.0.0/16", "IPRange": "10.1.2.0/24", "Gateway": "10.1.0.1",
         "AuxiliaryAddresses": {"r": "10.1.0.5"}},
        {"Subnet": "fd00::/64"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--gateway 10.0.0.1", "every ip-range or gateway must have a corresponding subnet"),
        ("--subnet 10.0.0.0/16 --subnet 10.0.1.0/24", "multiple overlapping subnet configuration is not supported"),
        ("--subnet 10.0.0.0/16 --gateway 11.0.0.1", "no matching subnet for gateway 11.0.0.1"),
        ("--subnet 10.0.0.0/16 --ip-range 11.0.0.0/24", "no matching subnet for range 11.0.0.0/24"),
        ("--subnet 10.0.0.0/16 --aux-address a=1.1.1.1", "no matching subnet for aux-address 1.1.1.1"),
    ],
)
def test_network_create_checks_subnets(weft, daemon, flags, message):
    done = weft("network", "create", *flags.split(), "net")
    assert (done.stderr.decode(), done.returncode) == (message + "\n", 1)
    assert not daemon.sent("POST", "/networks/create")


def test_network_connect(weft, daemon):
    daemon.on("POST", "/networks/n1/connect", Answer())
    weft("network", "connect", "--ip", "10.0.0.5", "--alias", "a,b", "--gw-priority", "-3", "n1", "web")
    assert daemon.sent("POST", "/networks/n1/connect")[0].document == {
        "Container": "web",
        "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.0.0.5"}, "Aliases": ["a", "b"], "GwPriority": -3},
    }


def test_prune_asks_first(weft, daemon):
    daemon.on("POST", "/containers/prune", Answer({"ContainersDeleted": ["x"], "SpaceReclaimed": 1500}))
    assert weft("container", "prune", stdin=b"n\n").returncode == 0
    assert not daemon.sent("POST", "/containers/prune")
    done = weft("container", "prune", stdin=b"y\n")
    assert done.stdout.decode().endswith("[y/N] Deleted Containers:\nx\n\nTotal reclaimed space: 1.5kB\n")


def test_images_are_deleted_as_docker_says_it(weft, daemon):
    daemon.on("DELETE", "/images/a:1", Answer([{"Untagged": "a:1"}, {"Deleted": "sha256:00"}]))
    assert weft("rmi", "a:1").stdout == b"Untagged: a:1\nDeleted: sha256:00\n"


def test_save_and_load(weft, daemon, tmp_path):
    archive = bytes(range(256)) * 4000
    daemon.on("GET", "/images/get", Answer(chunks=[archive[:1000], archive[1000:]], kind="application/x-tar"))
    daemon.on("POST", "/images/load", Answer({"stream": "Loaded image: a:1\n"}))
    path = tmp_path / "a.tar"
    assert weft("save", "-o", str(path), "a:1").returncode == 0
    assert path.read_bytes() == archive
    assert weft("load", "-i", str(path)).stdout == b"Loaded image: a:1\n"
    request = daemon.sent("POST", "/images/load")[0]
    assert request.body == archive
    assert request.query == {"quiet": ["1"]}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".weft-save")] == []


def test_failed_save_leaves_the_old_file(weft, daemon, tmp_path):
    path = tmp_path / "a.tar"
    path.write_text("old")
    daemon.on("GET", "/images/get", Answer({"message": "No such image: a"}, status=404))
    assert weft("save", "-o", str(path), "a").returncode == 1
    assert path.read_text() == "old"


def test_pull_sends_credentials(weft, daemon, tmp_path):
    import base64

    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    auth = base64.b64encode(b"me:secret").decode()
    config.write_text(json.dumps({"auths": {"reg.example:5000": {"auth": auth}}}))
    daemon.on("POST", "/images/create", Answer(chunks=[b'{"status":"Status: Image is up to date"}\n']))
    done = weft("pull", "reg.example:5000/a/b")
    assert done.stdout.decode().splitlines() == [
        "Using default tag: latest",
        "Status: Image is up to date",
        "reg.example:5000/a/b:latest",
    ]
    request = daemon.sent("POST", "/images/create")[0]
    sent = json.loads(base64.urlsafe_b64decode(request.headers["X-Registry-Auth"]))
    assert sent == {"username": "me", "password": "secret", "serveraddress": "reg.example:5000"}


def test_logs_split_the_streams(weft, daemon):
    frames = b"\x01\0\0\0\0\0\0\x04out\n" + b"\x02\0\0\0\0\0\0\x04err\n"
    daemon.on("GET", "/containers/[0-9a-f]{64}/logs", Answer(chunks=[frames[:3], frames[3:14], frames[14:]]))
    done = weft("logs", "--tail", "5", "--since", "2026-01-02T03:04:05.5Z", "web")
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    query = daemon.sent("GET", ".*/logs")[0].query
    assert query["tail"] == ["5"]
    assert query["since"] == ["1767323045.500000000"]


def test_events(weft, daemon):
    event = {"Type": "network", "Action": "connect", "Actor": {"ID": "n1", "Attributes": {"b": "2", "a": "1"}},
             "time": 1767323045, "timeNano": 1767323045000000007}  # fmt: skip
    daemon.on("GET", "/events", Answer(chunks=[json.dumps(event).encode()[:20], json.dumps(event).encode()[20:]]))
    done = weft("events", "--until", "0s")
    assert done.stdout == b"2026-01-02T03:04:05.000000007Z network connect n1 (a=1, b=2)\n"
    assert weft("events", "--format", "{{.Type}}/{{.Actor.Attributes.a}}").stdout == b"network/1\n"
    assert weft("events", "--since", "x").returncode == 1


def test_no_daemon(weft, daemon, tmp_path):
    done = weft("-H", f"unix://{tmp_path}/none.sock", "ps")
    text = f"Cannot connect to the Weft daemon at unix://{tmp_path}/none.sock. Is weftd running?\n"
    assert (done.stderr.decode(), done.returncode) == (text, 1)


def test_update(weft, daemon):
    daemon.on("POST", "/containers/(a|b)/update", Answer({"Warnings": ["no swap here"]}))
    daemon.on("POST", "/containers/nope/update", NO)
    done = weft("update", "-m", "1g", "--cpus", "0.5", "--restart", "on-failure:3", "a", "nope", "b")
    assert (done.stdout, done.returncode) == (b"a\nb\n", 1)
    assert done.stderr.decode().splitlines() == [
        "Error response from daemon: No such container: nope",
        "no swap here",
        "no swap here",
    ]
    restart = {"Name": "on-failure", "MaximumRetryCount": 3}
    expected = {"Memory": 1 << 30, "NanoCpus": 500_000_000, "RestartPolicy": restart}
    assert daemon.sent("POST", ".*/a/update")[0].document == expected
    assert weft("update", "a").stderr == b"you must provide one or more flags when using this command\n"


def test_global_flags(weft, daemon, tmp_path):
    debug = weft("-D", "ps", "-q").stderr.decode().splitlines()
    assert debug == ["HEAD /_ping: 200", "GET /v1.51/containers/json: 200"]
    assert weft("-l", "debug", "ps", "-q").stderr.decode().splitlines() == debug
    assert weft("--log-level", "loud", "ps").stderr == b"Unable to parse logging level: loud\n"
    assert weft("-c", "default", "ps", "-q").returncode == 0
    assert b'context "other": context not found' in weft("-c", "other", "ps").stderr
    both = weft("-c", "default", "-H", "unix:///x", "ps").stderr
    assert both == b"conflicting options: cannot specify both --host and --context\n"
    (tmp_path / "own").mkdir()
    auths = {"r:5": {"auth": "dTpw"}}
    (tmp_path / "own" / "config.json").write_text(json.dumps({"auths": auths}))
    daemon.on("POST", "/images/create", Answer(chunks=[]))
    weft("--config", str(tmp_path / "own"), "pull", "-q", "r:5/x:1")
    assert daemon.sent("POST", "/images/create")[0].headers["X-Registry-Auth"]


def test_what_docker_has_and_weft_has_not(weft):
    done = weft("build", ".")
    assert done.returncode == 1
    assert b"weft load" in done.stderr


def test_completion_offers_names_from_the_daemon(weft):
    assert weft("__complete", "network", "inspect", "n").stdout == b"n1\nn2\nnone\n"
    assert b"web\n" in weft("__complete", "stop", "").stdout
    assert weft("__complete", "ps", "--no").stdout == b"--no-trunc\n"
    assert weft("__complete", "net").stdout == b"network\n"
    assert weft("__complete", "run", "--network", "n").stdout == b"n1\nn2\nnone\n"
    assert weft("__complete", "load", "-i", "").stdout == b":files\n"
    assert weft("__complete", "run", "busybox", "sh", "--").stdout == b""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(weft, shell, tmp_path):
    script = weft("completion", shell).stdout
    assert b"weft __complete" in script
    if shell == "bash":
        path = tmp_path / "script"
        path.write_bytes(script)
        assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0


def test_every_command_loads_and_shows_help(weft):
    from weft.cli import catalog
    from weft.cli.main import load

    targets = {
        *catalog.TOP_LEVEL.values(),
        *((group, name) for group in catalog.GROUPS for name in catalog.GROUPS[group]),
    }
    for group, name in sorted(targets):
        command = load(group, name)
        names = [flag.name for flag in command.flags]
        assert len(names) == len(set(names)), (group, name)
        shorts = [flag.short for flag in command.flags if flag.short]
        assert len(shorts) == len(set(shorts)), (group, name)
        assert catalog.summary(group, name)


def test_fast_paths_load_little(weft, daemon):
    """What takes long to import stays out of --help, ls and ps."""
    code = "import sys; from weft.cli.main import main; main({!r}); print(' '.join(sys.modules), file=sys.stderr)"
    slow = {"aiohttp", "asyncio", "requests", "rich", "msgspec", "http.client", "urllib.request", "argparse",
            "dataclasses", "inspect", "logging", "subprocess", "typing", "ssl", "email", "ipaddress"}  # fmt: skip
    for words in (["--help"], ["network", "ls"], ["ps"]):
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"sys_path={[str(p) for p in sys.path]!r}\nimport sys; sys.path=sys_path\n"
             + code.format(words)],
            env=weft.environment, capture_output=True, check=True,
        )  # fmt: skip
        assert not slow & set(done.stderr.decode().split()), words


def test_version_shows_client_and_server(weft):
    shown = weft("version").stdout.decode()
    assert shown.startswith("Client: Weft\n Version:           0.1.0\n API version:       1.51\n")
    assert "\nServer:\n Engine:\n  Version:          20.10.24" in shown
    assert "\n  API version:      1.41 (minimum version 1.12)\n" in shown
    assert "\n containerd:\n  Version:          1.6.20" in shown


def test_info_is_laid_out_as_dockers(weft):
    shown = weft("info").stdout.decode()
    assert "\nServer:\n Containers: " in shown
    for line in (" Storage Driver: overlay2", "  Network: bridge host ipvlan macvlan null overlay", " Swarm: inactive"):
        assert f"\n{line}\n" in shown
