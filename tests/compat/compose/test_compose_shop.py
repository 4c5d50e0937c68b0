"""A web server that waits for its database and cache: order, health, secrets, volumes that stay, profiles."""

from __future__ import annotations

from rig.compose import Compose
from rig.eventually import eventually


def test_comes_up_in_order_and_well(compose: Compose) -> None:
    compose.run("up", "--detach")
    host = compose.engine.host
    database, web = compose.inspect("database"), compose.inspect("web")
    assert database["State"]["Health"]["Status"] == "healthy"
    assert compose.inspect("cache")["State"]["Health"]["Status"] == "healthy"
    assert compose.inspect("migration")["State"]["ExitCode"] == 0
    assert web["State"]["StartedAt"] > compose.inspect("migration")["State"]["FinishedAt"]
    eventually(lambda: compose.inspect("web")["State"]["Health"]["Status"] == "healthy")
    assert "healthy" in compose.out("ps")

    for port in (8080, 8081):
        assert host.fetch("127.0.0.1", port) == b"<h1>The shop</h1>\n"
    assert compose.out("port", "web", "80") in ("127.0.0.1:8080", "0.0.0.0:8081")
    assert compose.exec("web", "wget", "-qO-", "http://database:5432/rows") == "made by db"
    assert "migrated" in compose.run("logs", "--no-color", "migration")
    compose.exec("cache", "redis-cli", "set", "key", "value")
    assert compose.exec("cache", "redis-cli", "-h", "cache", "get", "key") == "value"
    assert compose.exec("database", "cat", "/run/secrets/password") == "secret"
    assert compose.exec("database", "sh", "-c", "echo $OWNER") == "nobody"
    if not compose.first:  # 1.29 warns that it leaves configs out
        assert compose.exec("web", "cat", "/etc/banner") == "Welcome"


def test_what_stays_and_what_is_made_again(compose: Compose) -> None:
    (compose.directory / ".env").write_text("OWNER=somebody\n")
    config = compose.out("config")
    assert "OWNER: somebody" in config
    assert "shell" in compose.out("--profile", "debug", "config", "--services").split()
    compose.run("up", "--detach", "database")
    eventually(lambda: compose.inspect("database")["State"]["Health"]["Status"] == "healthy")
    compose.exec("database", "sh", "-c", "echo kept >>/data/rows")
    first = compose.inspect("database")["Id"]
    compose.run("up", "--detach", "database")
    assert compose.inspect("database")["Id"] == first
    (compose.directory / ".env").write_text("OWNER=other\n")
    compose.run("up", "--detach", "--timeout", "0", "database")
    assert compose.inspect("database")["Id"] != first
    assert compose.exec("database", "sh", "-c", "echo $OWNER; cat /data/rows") == "other\nmade by db\nkept"

    compose.run("down", "--timeout", "0")
    assert compose.docker.lines("volume", "ls", "-q", "--filter", "label=kept=yes") == ["shop_rows"]
    compose.run("up", "--detach", "database")
    assert "kept" in compose.exec("database", "cat", "/data/rows")


def test_unwell_things_are_waited_for_and_told(compose: Compose) -> None:
    """What waits for something that does not get well does not start, and Compose says so."""
    (compose.directory / "password").write_text("wrong")
    failed = compose("up", "--detach")
    assert failed.returncode != 0
    assert "database" in failed.stderr
    assert not [name for name in compose.containers("web") if compose.state("web") == "running"]
    (compose.directory / "password").write_text("secret")
    compose.run("--profile", "debug", "up", "--detach", "shell")
    assert compose.exec("shell", "hostname")
    compose.run("--profile", "debug", "stop", "--timeout", "0", "shell")
    labels = compose.inspect("shell")["Config"]["Labels"]
    assert labels["com.docker.compose.service"] == "shell"
    compose.run("--profile", "debug", "rm", "--force", "shell")
    assert compose.containers("shell") == []
