"""Name-service files of the host and of containers (resolv.conf(5), hosts(5))."""

import hashlib
import os
import socket
from pathlib import Path

from weft.model.errors import SystemFailure

_RESOLV_CONF = Path("/etc/resolv.conf")
# systemd-resolved's file with the real upstream servers, for hosts whose own file names only its stub
_RESOLVED_UPSTREAMS = Path("/run/systemd/resolve/resolv.conf")
_STUB = "127.0.0.53"
_HOSTS = Path("/etc/hosts")
_WRITTEN = ".resolv.conf.sha256"  # of what the engine wrote last: another content is a user's edit


class HostFileSystem:
    """Implements weft.engine.contract.files.HostFiles."""

    def resolv_conf(self) -> tuple[str, str]:
        """Return (path, text) of the resolver configuration that names real upstream servers."""
        text = _read(_RESOLV_CONF)
        servers = [line.split()[1] for line in text.splitlines() if line.startswith("nameserver ") and line.split()[1:]]
        if servers == [_STUB] and _RESOLVED_UPSTREAMS.exists():
            return str(_RESOLVED_UPSTREAMS), _read(_RESOLVED_UPSTREAMS)
        return str(_RESOLV_CONF), text

    def hosts(self) -> str:
        """Return the host's /etc/hosts."""
        return _read(_HOSTS)

    def hostname(self) -> str:
        """Return the host's name."""
        return socket.gethostname()

    def write_hosts(self, directory: str, text: str) -> None:
        """Write a container's hosts file in place."""
        _write(Path(directory, "hosts"), text)

    def write_hostname(self, directory: str, text: str) -> None:
        """Write a container's hostname file in place."""
        _write(Path(directory, "hostname"), text)

    def write_resolv_conf(self, directory: str, text: str) -> None:
        """Write a container's resolv.conf in place, unless a user edited it since the last write."""
        path, mark = Path(directory, "resolv.conf"), Path(directory, _WRITTEN)
        if path.exists() and mark.exists() and _digest(_read(path)) != _read(mark):
            return
        _write(path, text)
        _write(mark, _digest(text))

    def exists(self, path: str) -> bool:
        """Whether there is anything at `path`."""
        return os.path.lexists(path)

    def make_directory(self, path: str) -> None:
        """Make a directory and its parents."""
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SystemFailure(f"error while creating mount source path '{path}': {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SystemFailure(f"cannot read {path}: {error}") from error


def _write(path: Path, text: str) -> None:
    """Write without replacing the inode: containers have it bind-mounted."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    except OSError as error:
        raise SystemFailure(f"cannot write {path}: {error}; free space or check the disk") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
