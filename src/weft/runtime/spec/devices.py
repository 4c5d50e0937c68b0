"""Device nodes: those that are asked for, and all of the host's for a privileged container."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from weft.model.container import ContainerSpec, DeviceMapping
from weft.model.errors import InvalidParameter

_SKIPPED: Final = frozenset({"pts", "shm", "fd", "mqueue", ".udev", ".lxc", ".lxd-mounts", "console"})
_DENY_ALL: Final = {"allow": False, "access": "rwm"}  # the runtime adds what every container needs
_ALLOW_ALL: Final = {"allow": True, "access": "rwm"}

Rule = dict[str, object]
Node = dict[str, object]


def devices(spec: ContainerSpec, directory: Path = Path("/dev")) -> tuple[list[Node], list[Rule]]:
    """Return the OCI `linux.devices` and `linux.resources.devices`; InvalidParameter for a device that is not there.

    `directory` is where the host has its devices.
    """
    limits = spec.resources
    if spec.security.privileged:
        renamed = [mapping for mapping in limits.devices if mapping.host_path != mapping.path]
        named = [node for mapping in renamed for node in _mapped(mapping)]
        return [*host_nodes(directory), *named], [dict(_ALLOW_ALL)]
    nodes: list[Node] = []
    rules: list[Rule] = [dict(_DENY_ALL)]
    for mapping in limits.devices:
        mapped = _mapped(mapping)
        nodes += mapped
        rules += [
            {"allow": True, "access": mapping.permissions, **{key: node[key] for key in ("type", "major", "minor")}}
            for node in mapped
        ]
    return nodes, rules + [rule for text in limits.device_cgroup_rules for rule in _rules(text)]


def host_nodes(directory: Path = Path("/dev")) -> list[Node]:
    """Return the host's device nodes as OCI `linux.devices`."""
    return [_node(str(path), status) for path, status in _walk(directory)]


def _mapped(mapping: DeviceMapping) -> Sequence[Node]:
    """Return the device, or those of the directory, under the names that they have in the container."""
    try:
        real = Path(mapping.host_path).resolve(strict=True)
        status = real.stat()
    except OSError as error:
        raise _unusable(mapping, (error.strerror or str(error)).lower()) from error
    if _is_device(status):
        return [_node(mapping.path, status)]
    found = _below(real) if stat.S_ISDIR(status.st_mode) else ()
    nodes = [_node(str(Path(mapping.path) / path.relative_to(real)), status) for path, status in found]
    if not nodes:
        raise _unusable(mapping, "not a device node")
    return nodes


def _below(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for base, _, files in os.walk(directory):
        for name in sorted(files):
            path = Path(base, name)
            if _is_device(status := path.lstat()):
                yield path, status


def _unusable(mapping: DeviceMapping, reason: str) -> InvalidParameter:
    return InvalidParameter(
        f'error gathering device information while adding custom device "{mapping.host_path}": {reason}'
    )


def _rules(text: str) -> Iterator[Rule]:
    """Yield the OCI rules of `type major:minor access`; what is not named stands for all.

    All types are two rules: for crun, one of type `a` is leave for everything, whatever else it says.
    """
    kind, numbers, access = text.split(" ")
    given = zip(("major", "minor"), numbers.split(":"), strict=True)
    named = {name: int(number) for name, number in given if number != "*"}
    for type_ in ("b", "c") if kind == "a" else (kind,):
        yield {"allow": True, "type": type_, **named, "access": access}


def _is_device(status: os.stat_result) -> bool:
    return stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode)


def _node(path: str, status: os.stat_result) -> Node:
    return {
        "path": path,
        "type": "b" if stat.S_ISBLK(status.st_mode) else "c",
        "major": os.major(status.st_rdev),
        "minor": os.minor(status.st_rdev),
        "fileMode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
    }


def _walk(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in sorted(directory.iterdir()):
        if path.name in _SKIPPED:
            continue
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(path)
        elif _is_device(status):
            yield path, status
