"""weft stats: the numbers docker prints of the same answers."""

from fake_daemon import Answer

ID = "f" * 64


def _answer(name, *, cpu=0, machine=0, op="Read", cache="total_inactive_file"):
    return {
        "name": f"/{name}",
        "id": ID,
        "pids_stats": {"current": 3},
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"major": 8, "minor": 0, "op": op, "value": 1_050_000},
                {"major": 8, "minor": 0, "op": "Write" if op == "Read" else "write", "value": 12},
                {"major": 8, "minor": 0, "op": "Sync", "value": 999},
            ]
        },
        "cpu_stats": {"cpu_usage": {"total_usage": cpu}, "system_cpu_usage": machine, "online_cpus": 2},
        "memory_stats": {"usage": 3 << 20, "limit": 64 << 20, "stats": {cache: 1 << 20}},
        "networks": {"eth0": {"rx_bytes": 1000, "tx_bytes": 5}, "eth1": {"rx_bytes": 500, "tx_bytes": 5}},
    }


def _serve(daemon, name, *answers):
    left = list(answers)
    daemon.on("GET", f"/containers/{name}/json", Answer({"Id": ID}))
    daemon.on("GET", f"/containers/{name}/stats", lambda request: Answer(left.pop(0)))


def test_one_look(weft, daemon):
    _serve(daemon, "one", _answer("one", cpu=1000, machine=10_000), _answer("one", cpu=3000, machine=18_000))
    done = weft("stats", "--no-stream", "one")
    assert done.stdout.decode().splitlines() == [
        "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O       BLOCK I/O      PIDS",
        "ffffffffffff   one       50.00%    2MiB / 64MiB        3.12%     1.5kB / 10B   1.05MB / 12B   3",
    ]
    assert daemon.sent("GET", "/containers/one/stats")[0].query == {"stream": ["0"], "one-shot": ["1"]}


def test_columns(weft, daemon):
    answers = [_answer("one", op="read", cache="inactive_file") for _ in range(2)]
    _serve(daemon, "one", *answers)
    form = "{{.Container}}|{{.ID}}|{{.Name}}|{{.CPUPerc}}|{{.MemUsage}}|{{.BlockIO}}"
    done = weft("stats", "--no-stream", "--no-trunc", "--format", form, "one")
    assert done.stdout.decode() == f"one|{ID}|one|0.00%|2MiB / 64MiB|1.05MB / 12B\n"


def test_a_container_that_does_not_run(weft, daemon):
    empty = {"name": "/one", "id": ID, "cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}
    _serve(daemon, "one", empty, empty)
    form = "{{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.NetIO}} {{.PIDs}}"
    done = weft("stats", "--no-stream", "--format", form, "one")
    assert done.stdout.decode() == "0.00% 0B / 0B 0.00% 0B / 0B 0\n"


def test_what_is_not_there(weft, daemon):
    daemon.on("GET", "/containers/nope/json", Answer({"message": "No such container: nope"}, status=404))
    done = weft("stats", "nope")
    assert (done.stderr, done.returncode) == (b"Error response from daemon: No such container: nope\n", 1)


def test_a_stream_ends_with_its_containers(weft, daemon):
    gone = Answer({"message": "No such container: one"}, status=404)
    answers = iter([Answer(_answer("one")), gone])
    daemon.on("GET", "/containers/one/json", Answer({"Id": ID}))
    daemon.on("GET", "/containers/one/stats", lambda request: next(answers))
    done = weft("stats", "one")
    assert done.stdout.startswith(b"\033[HCONTAINER ID")
    assert done.stdout.count(b"ffffffffffff") == 1
    assert done.returncode == 0
