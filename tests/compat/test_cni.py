"""Networks of CNI plugins that nobody here wrote (Debian's containernetworking-plugins), with the docker CLI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeEngine
from rig.docker import Docker
from rig.eventually import eventually
from rig.host import Host

pytestmark = [
    pytest.mark.weft_only("Docker has no CNI driver"),
    pytest.mark.skipif(not Path("/usr/lib/cni/bridge").exists(), reason="containernetworking-plugins is not installed"),
]


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


class Configurations:
    """Writes conflists whose plugins keep their state in the host's own directory, and makes networks of them."""

    def __init__(self, docker: Docker) -> None:
        self.docker = docker
        self.directory = docker.engine.host.directory / "cni"
        self.directory.mkdir(exist_ok=True)

    def write(self, name: str, *plugins: dict[str, Any], version: str = "1.0.0") -> Path:
        """A conflist of these plugins, 1.0.0 unless told."""
        path = self.directory / f"{name}.conflist"
        path.write_text(json.dumps({"cniVersion": version, "name": name, "plugins": plugins}))
        return path

    def local(self, subnet: str, **more: Any) -> dict[str, Any]:
        """The IPAM part for host-local with a default route."""
        routes = [{"dst": "::/0" if ":" in subnet else "0.0.0.0/0"}]
        state = str(self.directory / "leases")
        return {"type": "host-local", "dataDir": state, "ranges": [[{"subnet": subnet}]], "routes": routes, **more}

    def held(self, name: str) -> list[str]:
        """The addresses that host-local holds for a network."""
        directory = self.directory / "leases" / name
        return sorted(each.name for each in directory.glob("[0-9]*")) if directory.exists() else []

    def bridge(self, name: str, subnet: str, *more: dict[str, Any], **settings: Any) -> str:
        """A network of the plugin bridge; returns its name."""
        plugin = {
            "type": "bridge", "bridge": f"cni-{name}", "isGateway": True, "ipMasq": True, "hairpinMode": True,
            "ipam": self.local(subnet), **settings,
        }  # fmt: skip
        self.create(name, self.write(name, plugin, *more))
        return name

    def create(self, name: str, path: Path | str, *options: str) -> None:
        """`docker network create -d cni`."""
        self.docker.out("network", "create", "-d", "cni", "-o", f"conf={path}", *options, name)


@pytest.fixture
def cni(docker: Docker) -> Iterator[Configurations]:
    """Configurations for the shared engine; links that plugins left are removed."""
    yield Configurations(docker)
    docker.engine.sweep()
    host = docker.engine.host
    for link in json.loads(host.output("ip", "-j", "link")):
        if link["ifname"].startswith("cni-"):
            host.run(["ip", "link", "delete", link["ifname"]])


def endpoint(docker: Docker, container: str, network: str) -> dict[str, Any]:
    """A container's endpoint, as `docker inspect` shows it."""
    shown: dict[str, Any] = docker.inspect(container)["NetworkSettings"]["Networks"][network]
    return shown


def test_bridge_with_host_local(docker: Docker, cni: Configurations) -> None:
    cni.bridge("blue", "10.66.0.0/24")
    for name in ("one", "two"):
        docker.out("run", "-d", "--name", name, "--network", "blue", "busybox", "top")
    shown = endpoint(docker, "one", "blue")
    assert shown["IPAddress"].startswith("10.66.0.")
    assert (shown["IPPrefixLen"], shown["Gateway"]) == (24, "10.66.0.1")
    link = docker.out("exec", "one", "ip", "addr", "show", "eth0")
    assert shown["MacAddress"] in link
    assert f"inet {shown['IPAddress']}/24" in link
    assert docker.out("exec", "one", "ip", "route").count("default") == 1
    assert shown["IPAddress"] in docker.out("network", "inspect", "blue")
    assert "64 bytes" in docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "one")
    assert "64 bytes" in docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "142.250.74.46"), "to the internet"
    assert len(cni.held("blue")) == 2
    docker.out("rm", "-f", "one", "two")
    assert cni.held("blue") == []
