"""What the fuzzer of the API knows of the engine: names that exist, words that mean something, and what it must not do.

Values come from schemathesis; some of them are replaced here, so that requests reach further than a refusal, and so
that no container runs a program of chance, keeps the fuzzer waiting, or touches a file outside its directory.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

_WORDS = (
    "",
    "/",
    "a",
    "a:b",
    "0",
    "-1",
    "80/tcp",
    "1-5/udp",
    "host",
    "none",
    "default",
    "::1",
    "10.9.0.0/24",
    "é",
    "a b",
)
_COMMANDS: tuple[list[str], ...] = (["top"], ["true"], ["false"], ["sleep", "1"], ["sh", "-c", "echo a; echo b >&2"])
_FIELDS: dict[str, tuple[Any, ...]] = {
    "NetworkMode": ("bridge", "host", "none", "default", "net0", "net1", "container:box0", "container:box1"),
    "Driver": ("bridge", "local", "macvlan", "ipvlan", "null", "host", "default"),
    "Subnet": ("10.9.0.0/24", "10.9.1.0/24", "172.17.0.0/16", "fd00:9::/64", "10.9.0.0/31", "1.2.3.4/0"),
    "Gateway": ("10.9.0.1", "10.9.1.1", "fd00:9::1", "172.17.0.1"),
    "IPRange": ("10.9.0.128/25", "10.9.1.0/30", "fd00:9::/80"),
    "HostPort": ("", "0", "8080", "8081", "8000-8010", "65535", "70000"),
    "HostIP": ("", "127.0.0.1", "0.0.0.0", "::", "::1", "10.255.255.1"),
    "IPv4Address": ("10.9.0.5", "10.9.1.5", "172.17.0.9"),
    "MacAddress": ("02:42:0a:09:00:05", "02:42:ac:11:00:02"),
    "User": ("", "0", "root", "1000:1000", "nobody"),
    "WorkingDir": ("/", "/tmp", "/new"),
    "Container": ("box0", "box1", "box2", "box3"),
    "Memory": (0, 6 << 20, 64 << 20),
    "PidMode": ("", "host", "container:box0"),
    "IpcMode": ("", "private", "shareable", "host", "none", "container:box0"),
    "Isolation": ("", "default"),
    "Type": ("bind", "volume", "tmpfs", "json-file", "none", "local"),
    "Target": ("/a", "/b", "/etc/a"),
    "Name": ("net0", "net1", "vol0", "no", "always", "on-failure", "nofile"),
    "Condition": ("next-exit", "removed"),
}
_PORTS = ("80/tcp", "80", "81/udp", "82/sctp", "8000-8003/tcp")
_QUERY: dict[str, tuple[Any, ...]] = {
    "condition": ("", "not-running", "next-exit", "removed"),
    "signal": ("", "KILL", "SIGTERM", "9", "0", "HUP", "WINCH"),
    "name": ("box0", "box1", "box2", "box3", "/box4", "new"),
    "repo": ("busybox", "here/new", "127.0.0.1:1/new"),
    "tag": ("", "latest", "v1", "sha256:0"),
    "fromImage": ("busybox", "busybox:latest", "127.0.0.1:1/none"),
    "fromSrc": ("-", "http://127.0.0.1:1/"),
    "platform": ("", "linux/amd64", "linux/arm64", "windows", '{"os":"linux","architecture":"amd64"}'),
    "names": (["busybox"], ["busybox", "none"]),
    "tail": ("", "all", "0", "1", "-1"),
    "ps_args": ("", "-ef", "aux", "-o pid,args"),
    "h": (0, 24, 65535),
    "w": (0, 80, 65535),
    "path": ("/", "/etc", "/etc/passwd", "/tmp", "/../..", "/proc/1/root", "/dev", ""),
}


class World:
    """Replaces parts of requests. `scratch` is where bind mounts may lead; `execs` collects ids of execs."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.execs: list[str] = []

    def name(self, path: str, rng: random.Random) -> str:
        """A name for the place in a path that probably exists."""
        pools: dict[str, tuple[str, ...]] = {
            "containers": ("box0", "box1", "box2", "box3", "box0/../box1", "/box0"),
            "networks": ("net0", "net1", "bridge", "host", "none"),
            "volumes": ("vol0", "vol1"),
            "images": ("busybox", "busybox:latest", "busybox:v1", "here/new", "127.0.0.1:1/new"),
            "exec": tuple(self.execs[-4:]) or ("0",),
        }
        return rng.choice(pools.get(path.split("/")[1], ("a",)))

    def query(self, query: dict[str, Any], rng: random.Random) -> dict[str, Any]:
        """The query with some words of sense; nobody is waited for longer than a second."""
        changed = {
            key: rng.choice(_QUERY[key]) if key in _QUERY and rng.random() < 0.7 else value
            for key, value in query.items()
        }
        if "t" in changed:
            changed["t"] = rng.choice((0, 1, "", "x"))
        return changed

    def body(self, path: str, body: Any, rng: random.Random) -> Any:
        """The body with some words of sense, tame."""
        if body is None and path == "/containers/create" and rng.random() < 0.8:
            body = {}
        if not isinstance(body, dict):
            return body
        seasoned = {key: self._season(key, value, rng) for key, value in body.items()}
        if path == "/containers/create":
            return self._container(seasoned, rng)
        if path.endswith("/exec"):
            seasoned["Cmd"] = rng.choice(_COMMANDS)
        if path == "/volumes/create":
            seasoned["DriverOpts"] = rng.choice(
                (None, {}, {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}, {"a": "b"})
            )
        if path == "/auth":
            seasoned["serveraddress"] = rng.choice(("127.0.0.1:1", "", "é"))
        if path.endswith("/update"):
            seasoned.pop("CgroupParent", None)
        return seasoned

    def _season(self, key: str, value: Any, rng: random.Random) -> Any:
        if isinstance(value, dict):
            inner = {name: self._season(name, each, rng) for name, each in value.items()}
            if key in ("PortBindings", "ExposedPorts") and inner and rng.random() < 0.7:
                return {rng.choice(_PORTS): each for each in inner.values()}
            if key == "EndpointsConfig" and inner and rng.random() < 0.7:
                return {rng.choice(("net0", "net1", "bridge")): each for each in inner.values()}
            return inner
        if isinstance(value, list):
            return [self._season(key, each, rng) for each in value]
        if key in _FIELDS and rng.random() < 0.7:
            return rng.choice(_FIELDS[key])
        return rng.choice(_WORDS) if isinstance(value, str) and rng.random() < 0.5 else value

    def _container(self, body: dict[str, Any], rng: random.Random) -> dict[str, Any]:
        body = {key: value for key, value in body.items() if key == "HostConfig" or rng.random() < 0.4}
        if rng.random() < 0.9:
            body["Image"] = "busybox"
        body["Cmd"] = rng.choice(_COMMANDS)
        body.pop("Entrypoint", None)
        if isinstance(body.get("Healthcheck"), dict):
            body["Healthcheck"]["Test"] = rng.choice((["NONE"], ["CMD", "true"], ["CMD-SHELL", "exit 1"], []))
        body["StopTimeout"] = 0
        if rng.random() < 0.5:
            body.pop("NetworkingConfig", None)
        host = body.get("HostConfig")
        if isinstance(host, dict):
            body["HostConfig"] = self._host(host, rng)
        return body

    def _host(self, host: dict[str, Any], rng: random.Random) -> dict[str, Any]:
        """Of so many options one is always refused: most are left out, so that some requests get through."""
        kept = {key: value for key, value in host.items() if rng.random() < 0.15}
        kept.pop("CgroupParent", None)  # a directory of the machine's
        kept.pop("Devices", None)
        if isinstance(kept.get("Binds"), list):
            kept["Binds"] = [f"{self._scratch}/a:/a", f"{self._scratch}/b:/b:ro", "vol0:/c"][: len(kept["Binds"])]
        for mount in kept["Mounts"] if isinstance(kept.get("Mounts"), list) else ():
            if isinstance(mount, dict) and "Source" in mount:
                mount["Source"] = rng.choice((f"{self._scratch}/a", f"{self._scratch}/none", "vol0", ""))
        return kept
