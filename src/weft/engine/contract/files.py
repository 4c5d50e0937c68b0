"""What the engine needs of the host's file system."""

from typing import Protocol


class HostFiles(Protocol):
    """Reads the host's own name-service files and writes those of containers; errors are SystemFailure."""

    def resolv_conf(self) -> tuple[str, str]:
        """Return (path, text) of the resolver configuration that names real upstream servers, ("", "") without one."""
        ...

    def hosts(self) -> str:
        """Return the host's /etc/hosts."""
        ...

    def hostname(self) -> str:
        """Return the host's name."""
        ...

    def write_hosts(self, directory: str, text: str) -> None:
        """Write a container's hosts file in place, so that a bind mount of it sees the change."""
        ...

    def write_hostname(self, directory: str, text: str) -> None: ...

    def write_resolv_conf(self, directory: str, text: str) -> None:
        """Write a container's resolv.conf in place, unless a user edited it since the last write."""
        ...

    def exists(self, path: str) -> bool: ...

    def make_directory(self, path: str) -> None: ...
