"""Options of the `local` volume driver, as Docker has them: type, device, o, in the words of mount(8)."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from weft.model.errors import InvalidParameter, SystemFailure
from weft.runtime import syscalls
from weft.runtime.overlay import mount_points

_KNOWN: Final = ("type", "o", "device", "size")
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {"device": ("type",), "type": ("device",), "o": ("device", "type")}
_NETWORK: Final = ("nfs", "cifs")
# option -> (whether it sets the flag, the flag)
_FLAGS: Final[Mapping[str, tuple[bool, int]]] = {
    "defaults": (True, 0),
    "ro": (True, syscalls.MS_RDONLY),
    "rw": (False, syscalls.MS_RDONLY),
    "nosuid": (True, syscalls.MS_NOSUID),
    "suid": (False, syscalls.MS_NOSUID),
    "nodev": (True, syscalls.MS_NODEV),
    "dev": (False, syscalls.MS_NODEV),
    "noexec": (True, syscalls.MS_NOEXEC),
    "exec": (False, syscalls.MS_NOEXEC),
    "sync": (True, 0x10),
    "async": (False, 0x10),
    "dirsync": (True, 0x80),
    "mand": (True, 0x40),
    "nomand": (False, 0x40),
    "noatime": (True, 0x400),
    "atime": (False, 0x400),
    "nodiratime": (True, 0x800),
    "diratime": (False, 0x800),
    "relatime": (True, 0x200000),
    "norelatime": (False, 0x200000),
    "strictatime": (True, 0x1000000),
    "nostrictatime": (False, 0x1000000),
    "bind": (True, syscalls.MS_BIND),
    "rbind": (True, syscalls.MS_BIND | syscalls.MS_REC),
}
_PROPAGATIONS: Final[Mapping[str, int]] = {
    "private": syscalls.MS_PRIVATE,
    "rprivate": syscalls.MS_PRIVATE | syscalls.MS_REC,
    "shared": syscalls.MS_SHARED,
    "rshared": syscalls.MS_SHARED | syscalls.MS_REC,
    "slave": syscalls.MS_SLAVE,
    "rslave": syscalls.MS_SLAVE | syscalls.MS_REC,
}
_OF_A_MOUNT: Final = syscalls.MS_RDONLY | syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC


def check_options(name: str, options: Mapping[str, str]) -> None:
    """Raise InvalidParameter, in Docker's words, for options that the driver has not, or that miss another."""
    for option in options:
        if option not in _KNOWN:
            raise InvalidParameter(f'create {name}: invalid option: "{option}"')
    for option, needed in _NEEDS.items():
        for other in needed:
            if option in options and other not in options:
                raise InvalidParameter(f'create {name}: missing required option: "{other}"')
    if options.get("size"):
        raise InvalidParameter(f"create {name}: quota size requested but no quota support")


@dataclass(frozen=True, slots=True)
class _Wanted:
    flags: int
    propagation: int
    data: str


def parse(text: str) -> _Wanted:
    """Return the flags of mount(2) that options name, and what is left of them for the file system."""
    flags = propagation = 0
    data = []
    for option in filter(None, text.split(",")):
        if option in _PROPAGATIONS:
            propagation |= _PROPAGATIONS[option]
        elif option in _FLAGS:
            sets, flag = _FLAGS[option]
            flags = flags | flag if sets else flags & ~flag
        else:
            data.append(option)
    return _Wanted(flags, propagation, ",".join(data))


def mount_volume(options: Mapping[str, str], target: Path) -> None:
    """Mount what the options say at `target`, if nothing is mounted there; SystemFailure says why that fails."""
    if is_mounted(target):
        return
    device, kind = options.get("device", ""), options.get("type", "")
    failed = f"error while mounting volume '{target}': "
    if not device:
        raise SystemFailure(f"{failed}missing device in volume options")
    wanted = parse(_resolved(kind, options.get("o", ""), failed))
    try:
        if wanted.flags & syscalls.MS_BIND:
            _bind(device, target, wanted.flags)
        else:
            syscalls.mount(device, target, kind, wanted.flags, wanted.data)
        if wanted.propagation:
            syscalls.mount("", target, flags=wanted.propagation)
    except OSError as error:
        shown = ",".join("password=********" if o.startswith("password=") else o for o in wanted.data.split(","))
        flags = f", flags: {wanted.flags:#x}" if wanted.flags else ""
        data = f", data: {shown}" if shown else ""
        reason = (error.strerror or str(error)).lower()
        unmount_volume(target)
        raise SystemFailure(
            f"{failed}failed to mount local volume: mount {device}:{target}{flags}{data}: {reason}"
        ) from error


def _bind(source: str, target: Path, flags: int) -> None:
    """Mount a directory once more, with its flags from the start: other namespaces get it as it is then.

    It follows its source and is no peer of it: unmounting it leaves alone what is mounted below the source.
    """
    copy = syscalls.copy_mount(source, recursive=bool(flags & syscalls.MS_REC))
    try:
        syscalls.change_mounts(copy, flags=flags & _OF_A_MOUNT, propagation=syscalls.MS_SLAVE)
        syscalls.attach_mount(copy, target)
    finally:
        os.close(copy)


def unmount_volume(target: Path) -> None:
    """Unmount what is mounted at `target`; nothing there is no error. OSError."""
    while is_mounted(target):
        syscalls.unmount(target, syscalls.MNT_DETACH)


def is_mounted(target: Path) -> bool:
    """Whether a file system is mounted there."""
    return target in mount_points()


def _resolved(kind: str, text: str, failed: str) -> str:
    """Return options with the address of a network file system as a number: the kernel asks no name server."""
    address = next((option[5:] for option in text.split(",") if option.startswith("addr=")), "")
    if kind not in _NETWORK or not address or _is_address(address):
        return text
    try:
        number = socket.getaddrinfo(address, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
    except OSError as error:
        raise SystemFailure(
            f"{failed}failed to mount local volume: error resolving passed in network volume address: "
            f"lookup {address}: {error.strerror}"
        ) from error
    return text.replace(f"addr={address}", f"addr={number}", 1)


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
