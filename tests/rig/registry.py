"""A registry on the loopback of a throw-away host, as a mirror of the names everybody types."""

from __future__ import annotations

import time
from pathlib import Path

from rig.host import Host
from rig.image import (
    ALPINE_CONFIG,
    NGINX_CONFIG,
    REDIS_CONFIG,
    alpine_layers,
    nginx_layers,
    redis_layers,
    write_archive,
)
from rig.process import Daemon

_CONFIGURATION = """
version: 0.1
log: {{ level: error, accesslog: {{ disabled: true }} }}
storage:
  filesystem: {{ rootdirectory: {storage} }}
  delete: {{ enabled: true }}
http: {{ addr: "127.0.0.1:{port}" }}
"""


class Registry:
    """Debian's docker-registry in `host`, serving and keeping `storage`."""

    def __init__(self, host: Host, storage: Path, port: int = 5000) -> None:
        self.host = host
        self.storage = storage
        self.port = port
        self._daemon: Daemon | None = None
        self.start()

    @property
    def address(self) -> str:
        """`127.0.0.1:port`, as used in image names."""
        return f"127.0.0.1:{self.port}"

    @property
    def mirror(self) -> str:
        """The value for `registry-mirrors` in daemon.json."""
        return f"http://{self.address}"

    def start(self) -> None:
        """Start serving; needed again after the host's reboot."""
        configuration = self.host.directory / f"registry-{self.port}.yml"
        configuration.write_text(_CONFIGURATION.format(storage=self.storage, port=self.port))
        self._daemon = self.host.start(
            ["docker-registry", "serve", configuration], log=self.host.directory / f"registry-{self.port}.log"
        )
        for _ in range(2000):
            if self.host.reaches("127.0.0.1", self.port):
                return
            if not self._daemon.running:
                break
            time.sleep(0.01)
        raise RuntimeError(f"docker-registry does not answer: {self._daemon.log.read_text()}")

    def push(self, archive: Path, name: str) -> None:
        """Copy the image of a docker-archive to `name` (`library/alpine:latest`)."""
        self.host.run(
            [
                *("skopeo", "copy", "--insecure-policy", "--quiet", "--dest-tls-verify=false"),
                *(f"docker-archive:{archive}", f"docker://{self.address}/{name}"),
            ]
        )


def fill(storage: Path) -> None:
    """Put `alpine`, `nginx` and `redis` of `library`, all `latest`, into an empty storage directory."""
    storage.mkdir(parents=True, exist_ok=True)
    with Host("registry") as host:
        registry = Registry(host, storage)
        for name, layers, config in (
            ("alpine", alpine_layers(), ALPINE_CONFIG),
            ("nginx", nginx_layers(), NGINX_CONFIG),
            ("redis", redis_layers(), REDIS_CONFIG),
        ):
            archive = host.directory / f"{name}.tar"
            write_archive(archive, [f"{name}:latest"], layers, config)
            registry.push(archive, f"library/{name}:latest")
