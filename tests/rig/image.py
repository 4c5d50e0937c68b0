"""Images made of this machine's own programs, as archives that `docker load` and skopeo read."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_EPOCH = "2024-01-01T00:00:00Z"


@dataclass
class Layer:
    """Files, links and directories of one layer, by their absolute path in the image."""

    files: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    directories: dict[str, int] = field(default_factory=dict)

    def text(self, path: str, content: str) -> None:
        """Add a text file, mode 0644."""
        self.files[path] = content.encode(), 0o644

    def program(self, path: str, source: Path) -> None:
        """Add a file of this machine, mode 0755."""
        self.files[path] = source.read_bytes(), 0o755

    def tar(self) -> bytes:
        """The layer as a tar archive; parents come before what is in them."""
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as archive:
            for path in sorted(self._parents() | self.directories.keys()):
                self._add(archive, path, tarfile.DIRTYPE, self.directories.get(path, 0o755))
            for path, (content, mode) in sorted(self.files.items()):
                self._add(archive, path, tarfile.REGTYPE, mode, content)
            for path, target in sorted(self.links.items()):
                self._add(archive, path, tarfile.SYMTYPE, 0o777, target=target)
        return sink.getvalue()

    def _parents(self) -> set[str]:
        paths = [Path(path) for path in (*self.files, *self.links, *self.directories)]
        return {str(parent) for path in paths for parent in path.parents if str(parent) != "/"}

    @staticmethod
    def _add(
        archive: tarfile.TarFile, path: str, kind: bytes, mode: int, content: bytes = b"", target: str = ""
    ) -> None:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(content), target
        archive.addfile(entry, io.BytesIO(content))


def busybox_program() -> Path:
    """Debian's busybox-static, wherever this release of Debian has it."""
    return Path("/usr/bin/busybox" if Path("/usr/bin/busybox").exists() else "/bin/busybox")


def busybox_layer() -> Layer:
    """Debian's busybox-static under /bin with all its commands, root's account and the files a C library asks for."""
    layer, busybox = Layer(), busybox_program()
    layer.program("/bin/busybox", busybox)
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            layer.links[f"/bin/{applet}"] = "busybox"
    layer.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    layer.text("/etc/group", "root:x:0:\nnobody:x:65534:\nstaff:x:50:\n")
    layer.text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    layer.directories.update(
        {"/tmp": 0o1777, "/root": 0o700, "/proc": 0o555, "/sys": 0o555, "/dev": 0o755, "/var/tmp": 0o1777}
    )
    return layer


def alpine_layers() -> list[Layer]:
    """What the `alpine` image offers a shell user: ash, the busybox commands, /etc/alpine-release."""
    base, release = busybox_layer(), Layer()
    release.text("/etc/alpine-release", "3.20.3\n")
    release.text("/etc/os-release", 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\n')
    return [base, release]


def nginx_layers() -> list[Layer]:
    """Debian's nginx-light with its libraries, a page and an account; logs go to the container's output."""
    program, site = busybox_layer(), Layer()
    _add_with_libraries(program, "/usr/sbin/nginx")
    site.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:www:/var/www:/bin/false\n")
    site.text("/etc/group", "root:x:0:\nwww:x:33:\n")
    site.text("/etc/nginx/nginx.conf", _NGINX_CONFIGURATION)
    site.text("/usr/share/nginx/html/index.html", NGINX_PAGE)
    site.directories.update({"/var/log/nginx": 0o755, "/var/lib/nginx": 0o755, "/run": 0o755})
    site.links.update({"/var/log/nginx/access.log": "/dev/stdout", "/var/log/nginx/error.log": "/dev/stderr"})
    return [program, site]


def redis_layers() -> list[Layer]:
    """Debian's redis-server and redis-cli with their libraries."""
    layer = busybox_layer()
    for name in ("redis-server", "redis-cli"):
        _add_with_libraries(layer, f"/usr/bin/{name}")
    return [layer]


def _add_with_libraries(layer: Layer, program: str) -> None:
    layer.program(program, Path(program))
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for path in {word for line in listed.splitlines() for word in line.split() if word.startswith("/")}:
        layer.program(path, Path(path))


NGINX_PAGE = "<!DOCTYPE html>\n<title>Welcome to nginx!</title>\n<h1>Welcome to nginx!</h1>\n"

_NGINX_CONFIGURATION = """
user www www;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log notice;
events { worker_connections 512; }
http {
    access_log /var/log/nginx/access.log;
    server {
        listen 80;
        listen [::]:80;
        root /usr/share/nginx/html;
        types { text/html html; }
    }
}
"""

BUSYBOX_CONFIG = {"Cmd": ["sh"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
ALPINE_CONFIG = {**BUSYBOX_CONFIG, "Cmd": ["/bin/sh"]}
NGINX_CONFIG = {
    **BUSYBOX_CONFIG,
    "Cmd": ["nginx", "-g", "daemon off;"],
    "ExposedPorts": {"80/tcp": {}},
    "StopSignal": "SIGQUIT",
}

REDIS_CONFIG = {
    **BUSYBOX_CONFIG,
    "Cmd": ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--dir", "/data"],
    "ExposedPorts": {"6379/tcp": {}},
    "Volumes": {"/data": {}},
}


def write_archive(path: Path, tags: Sequence[str], layers: Sequence[Layer], config: Mapping[str, Any]) -> None:
    """Write a docker-archive (the format of `docker save`) to `path`."""
    tars = [layer.tar() for layer in layers]
    digests = [hashlib.sha256(tar).hexdigest() for tar in tars]
    image = {
        "architecture": "amd64",
        "os": "linux",
        "created": _EPOCH,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created": _EPOCH, "created_by": f"layer {number}"} for number in range(len(tars))],
    }
    encoded = json.dumps(image).encode()
    name = hashlib.sha256(encoded).hexdigest() + ".json"
    manifest = [{"Config": name, "RepoTags": list(tags), "Layers": [f"{digest}/layer.tar" for digest in digests]}]
    contents = {f"{digest}/layer.tar": tar for digest, tar in zip(digests, tars, strict=True)}
    contents |= {name: encoded, "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(path, "w") as archive:
        for member, content in contents.items():
            entry = tarfile.TarInfo(member)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
