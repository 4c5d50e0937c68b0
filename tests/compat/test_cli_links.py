"""--link: names, order, environment and access on the default bridge; private aliases on user-defined networks."""

from __future__ import annotations

import pytest

from rig.docker import Docker
from rig.engine import MakeEngine
from rig.eventually import eventually
from rig.inside import Inside

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough: links are the engine's affair."""
    return docker_newest


def web(docker: Docker, name: str, *flags: str) -> Inside:
    """A web server on port 80, up when this returns."""
    docker.out("run", "-d", "--name", name, "--hostname", f"{name}-host", *flags, *WEB)
    inside = Inside(docker.engine, name)
    eventually(lambda: inside.reaches("127.0.0.1"))
    return inside


def top(docker: Docker, name: str, *flags: str) -> Inside:
    docker.out("run", "-d", "--name", name, *flags, "busybox", "top")
    return Inside(docker.engine, name)


def address(docker: Docker, name: str) -> str:
    found: str = docker.inspect(name)["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    return found


def hosts(docker: Docker, name: str) -> list[str]:
    return docker.lines("exec", name, "cat", "/etc/hosts")


def ps_names(docker: Docker, name: str) -> list[str]:
    every = docker.engine.api.need("GET", "/containers/json?all=1")
    return sorted(next(one["Names"] for one in every if f"/{name}" in one["Names"]))


def test_names_in_the_hosts_file(docker: Docker) -> None:
    web(docker, "db")
    top(docker, "app", "--link", "db:database")
    assert f"{address(docker, 'db')}\tdatabase db-host db" in hosts(docker, "app")
    for name in ("database", "db", "db-host"):
        assert docker.out("exec", "app", "wget", "-qO-", f"http://{name}/") == "db-host", name
    assert docker("exec", "db", "ping", "-c", "1", "app").returncode != 0


def test_a_link_without_alias(docker: Docker) -> None:
    web(docker, "db")
    top(docker, "app", "--link", "db")
    line = f"{address(docker, 'db')}\tdb db-host"
    assert line in hosts(docker, "app")
    assert docker.inspect("app")["HostConfig"]["Links"] == ["/db:/app/db"]


def test_inspect_and_ps(docker: Docker) -> None:
    web(docker, "db")
    top(docker, "app", "--link", "db:one", "--link", "db:two")
    expected = ["/db:/app/one", "/db:/app/two"]
    assert sorted(docker.inspect("app")["HostConfig"]["Links"]) == expected
    assert ps_names(docker, "db") == ["/app/one", "/app/two", "/db"]
    assert docker.inspect("app/one")["Id"] == docker.inspect("db")["Id"]
    docker.out("stop", "-t", "0", "app")
    assert sorted(docker.inspect("app")["HostConfig"]["Links"]) == expected
    docker.out("rename", "db", "store")
    assert sorted(docker.inspect("app")["HostConfig"]["Links"]) == ["/store:/app/one", "/store:/app/two"]


@pytest.mark.weft_only("it goes on listing a target that was removed, and does not start the container again")
def test_a_target_that_was_removed(docker: Docker) -> None:
    web(docker, "db")
    top(docker, "app", "--link", "db:database")
    docker.out("rm", "-f", "db")
    web(docker, "db")  # another one, which nobody linked to
    docker.out("restart", "-t", "0", "app")
    assert docker.inspect("app")["HostConfig"]["Links"] is None
    assert not any("database" in line for line in hosts(docker, "app"))


def test_a_target_that_restarts_with_another_address(docker: Docker) -> None:
    web(docker, "db")
    top(docker, "app", "--link", "db:database")
    before = address(docker, "db")
    docker.out("stop", "-t", "0", "db")
    top(docker, "squatter")
    docker.out("start", "db")
    assert address(docker, "db") != before
    lines = hosts(docker, "app")
    assert [line.split()[0] for line in lines if "database" in line] == [address(docker, "db")]
    eventually(lambda: docker.out("exec", "app", "wget", "-qO-", "http://database/") == "db-host")


def test_a_target_that_does_not_run(docker: Docker) -> None:
    docker.out("create", "--name", "db", "busybox", "top")
    docker.out("create", "--name", "app", "--link", "db:database", "busybox", "top")
    assert "Cannot link to a non running container: /db AS /app/database" in docker.fails("start", "app", status=1)
    assert docker.inspect("app")["State"]["Status"] == "created"
    docker.out("start", "db")
    docker.out("start", "app")


def test_a_target_that_is_not_on_the_default_bridge(docker: Docker) -> None:
    docker.out("network", "create", "net")
    top(docker, "db", "--network", "net")
    refusal = docker.fails("run", "-d", "--name", "app", "--link", "db:database", "busybox", "top", status=125)
    assert "default" in refusal


def test_what_cannot_be_linked(docker: Docker) -> None:
    refusal = docker.fails("run", "-d", "--name", "app", "--link", "bogus:alias", "busybox", "top", status=125)
    assert "could not get container for bogus" in refusal
    assert docker.lines("ps", "-aq") == []
    top(docker, "db")
    undefined = "This would result in undefined behavior"
    for mode, text in (("host", "host type networking"), ("container:db", "container type network")):
        refusal = docker.fails("run", "--network", mode, "--link", "db:alias", "busybox", "true", status=125)
        told = "links are only supported for user-defined networks"  # by an older CLI itself
        assert f"conflicting options: {text} can't be used with links. {undefined}" in refusal or told in refusal
    top(docker, "on-host", "--network", "host")
    refusal = docker.fails("run", "--link", "on-host:alias", "busybox", "true", status=125)
    assert f"conflicting options: host type networking can't be used with links. {undefined}" in refusal


def test_removing_a_link(docker: Docker) -> None:
    web(docker, "db")
    top(docker, "app", "--link", "db:database")
    assert docker.out("rm", "--link", "app/database") == "app/database"
    assert not any("database" in line for line in hosts(docker, "app"))
    assert docker.inspect("app")["HostConfig"]["Links"] is None
    assert ps_names(docker, "db") == ["/db"]
    refusal = docker.fails("rm", "--link", "app", status=1)
    assert "Conflict, cannot remove the default link name of the container" in refusal
    assert "No such container" in docker.fails("rm", "--link", "app/other", status=1)


@pytest.mark.weft_only("it always sets them; Docker 29 does not")
def test_no_environment_by_default(docker: Docker) -> None:
    top(docker, "db", "--expose", "5432")
    assert "DB_" not in docker.out("run", "--rm", "--link", "db", "busybox", "env")


def test_environment_where_asked_for(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_KEEP_DEPRECATED_LEGACY_LINKS_ENV_VARS", "1")
    docker = Docker(make_engine())
    top(docker, "db", "--expose", "5432", "--expose", "7000", "-e", "SECRET=x")
    there = address(docker, "db")
    lines = docker.lines("run", "--rm", "--name", "app", "--link", "db:my-db", "busybox", "env")
    assert sorted(line for line in lines if line.startswith("MY_DB")) == sorted(
        [
            f"MY_DB_PORT=tcp://{there}:5432",
            *(
                f"MY_DB_PORT_{port}_TCP{key}"
                for port in (5432, 7000)
                for key in (f"=tcp://{there}:{port}", f"_ADDR={there}", f"_PORT={port}", "_PROTO=tcp")
            ),
            "MY_DB_NAME=/app/my-db",
            "MY_DB_ENV_SECRET=x",
        ]
    )


@pytest.fixture
def closed(make_engine: MakeEngine) -> Docker:
    """An engine whose default bridge keeps its containers apart."""
    return Docker(make_engine({"icc": False}))


def test_access_without_icc(closed: Docker) -> None:
    docker = closed
    web(docker, "db", "--expose", "80")
    web(docker, "other", "--expose", "80")
    alone = top(docker, "alone")
    app = top(docker, "app", "--link", "db:database")
    there = address(docker, "db")
    assert not alone.reaches(there)
    assert app.reaches(there)
    assert docker.out("exec", "app", "wget", "-qO-", "http://database/") == "db-host"
    assert not app.reaches(address(docker, "other"))
    assert not Inside(docker.engine, "db").reaches(address(docker, "app"))


@pytest.mark.weft_only("its names lead to IPv6 addresses that are closed")
def test_names_without_icc_lead_to_what_is_open(make_engine: MakeEngine) -> None:
    """A link opens IPv4: a name that led to IPv6 as well would be tried there first, and wait."""
    docker = Docker(make_engine({"icc": False, "ipv6": True, "fixed-cidr-v6": "fd12:3470::/64"}))
    web(docker, "db", "--expose", "80")
    app = top(docker, "app", "--link", "db:database")
    hosts = docker.out("exec", "app", "cat", "/etc/hosts").splitlines()
    assert [line.split()[0] for line in hosts if "database" in line] == [address(docker, "db")]
    assert app.reaches(address(docker, "db"))
    ipv6 = docker.inspect("db")["NetworkSettings"]["Networks"]["bridge"]["GlobalIPv6Address"]
    assert not app.reaches(ipv6)


@pytest.mark.weft_only("it leaves what a link allowed behind when the target goes")
def test_links_without_icc_follow_what_happens(closed: Docker) -> None:
    docker = closed
    web(docker, "db", "--expose", "80")
    app = top(docker, "app", "--link", "db:database")
    docker.out("stop", "-t", "0", "db")
    web(docker, "squatter", "--expose", "80")
    assert not app.reaches(address(docker, "squatter"))  # although the address was the target's
    docker.out("start", "db")
    eventually(lambda: app.reaches(address(docker, "db")))
    docker.out("rm", "--link", "app/database")
    assert not app.reaches(address(docker, "db"))


def test_private_names_on_a_user_defined_network(docker: Docker) -> None:
    docker.out("network", "create", "net")
    app = top(docker, "app", "--network", "net", "--link", "db:database")  # the target may come later
    other = top(docker, "other", "--network", "net")
    web(docker, "db", "--network", "net")
    there = docker.inspect("db")["NetworkSettings"]["Networks"]["net"]["IPAddress"]
    assert app.addresses("database") == [there]
    assert app.addresses("DB") == [there]
    assert other.addresses("database") == []
    assert docker.inspect("app")["NetworkSettings"]["Networks"]["net"]["Links"] == ["db:database"]
    assert docker.inspect("app")["HostConfig"]["Links"] is None


def test_private_names_by_network_connect(docker: Docker) -> None:
    docker.out("network", "create", "net")
    web(docker, "db", "--network", "net")
    app = top(docker, "app")
    docker.out("network", "connect", "--link", "db:database", "net", "app")
    there = docker.inspect("db")["NetworkSettings"]["Networks"]["net"]["IPAddress"]
    assert app.addresses("database") == [there]
    docker.out("network", "disconnect", "net", "app")
    docker.out("network", "connect", "net", "app")
    assert app.addresses("database") == []


def test_after_a_restart_of_the_daemon(closed: Docker) -> None:
    docker = closed
    docker.out("run", "-d", "--name", "db", "--restart", "always", "--expose", "80", *WEB)
    docker.out("run", "-d", "--name", "app", "--restart", "always", "--link", "db:database", "busybox", "top")
    docker.engine.restart()
    eventually(lambda: docker.inspect("app")["State"]["Running"])
    app = Inside(docker.engine, "app")
    eventually(lambda: app.reaches(address(docker, "db")))
    assert docker.inspect("app")["HostConfig"]["Links"] == ["/db:/app/database"]
