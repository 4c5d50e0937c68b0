"""Binds, Mounts and Tmpfs of a request -> MountSpecs (Engine API v1.51 HostConfig.Binds, Mount)."""

import re
from collections.abc import Iterable, Mapping
from posixpath import normpath

from weft.api.wire.host_config import (
    BindOptions,
    ImageOptions,
    MountConfig,
    TmpfsOptions,
    VolumeDriverConfig,
    VolumeOptions,
)
from weft.api.wire.shapes import text_map
from weft.model.container import MountSpec, MountType, ReadOnly
from weft.model.errors import InvalidParameter, Unimplemented
from weft.model.ids import CONTAINER_NAME_RULE, is_container_name

PROPAGATIONS = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave"})
_ACCESS = frozenset({"ro", "rw"})
_LABELS = frozenset({"z", "Z"})  # SELinux relabelling: nothing to do without SELinux
_CONSISTENCY = frozenset({"default", "consistent", "cached", "delegated"})
_SPLIT = re.compile(r":")


def parse_binds(binds: Iterable[str] | None) -> tuple[MountSpec, ...]:
    """Return the mounts of -v texts: `source:target[:mode]`, or `target` alone for an anonymous volume."""
    return tuple(_parse_bind(text) for text in binds or ())


def parse_tmpfs(tmpfs: Mapping[str, str | None] | None) -> tuple[MountSpec, ...]:
    """Return the mounts of --tmpfs: target -> options."""
    return tuple(
        MountSpec(type=MountType.TMPFS, target=_target(path), tmpfs_options=options or "", from_binds=True)
        for path, options in (tmpfs or {}).items()
    )


def parse_mounts(mounts: Iterable[MountConfig | None] | None) -> tuple[MountSpec, ...]:
    """Return the mounts of --mount."""
    return tuple(_parse_mount(mount) for mount in mounts or () if mount is not None)


def check_duplicates(mounts: Iterable[MountSpec]) -> None:
    """Raise InvalidParameter `Duplicate mount point: X` where two mounts have one target."""
    seen: set[str] = set()
    for mount in mounts:
        target = normpath(mount.target)
        if target in seen:
            raise InvalidParameter(f"Duplicate mount point: {target}")
        seen.add(target)


def _parse_bind(text: str) -> MountSpec:
    parts = _SPLIT.split(text)
    if not text or len(parts) > 3 or (len(parts) > 1 and not (parts[0] and parts[1])):
        raise InvalidParameter(f"invalid volume specification: '{text}'")
    source, target = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    mode = parts[2] if len(parts) == 3 else ""
    type_ = MountType.BIND if source.startswith("/") else MountType.VOLUME
    try:
        _target(target, type_)
    except InvalidParameter as error:
        raise InvalidParameter(f"invalid volume specification: '{text}': {error.message}") from None
    if type_ is MountType.VOLUME and source:
        _check_volume_name(source)
    flags = _bind_flags(mode, type_)
    return MountSpec(
        type=type_,
        source=source,
        target=target,
        read_only="ro" in flags,
        mode=mode,
        propagation=next((flag for flag in flags if flag in PROPAGATIONS), ""),
        no_copy="nocopy" in flags,
        from_binds=True,
    )


def _bind_flags(mode: str, type_: MountType) -> frozenset[str]:
    flags = mode.split(",") if mode else []
    only_one = (_ACCESS, _LABELS, PROPAGATIONS)
    allowed = _ACCESS | _LABELS | _CONSISTENCY | (PROPAGATIONS if type_ is MountType.BIND else frozenset({"nocopy"}))
    clash = any(len(kind.intersection(flags)) > 1 for kind in only_one)
    if clash or len(set(flags)) < len(flags) or not allowed.issuperset(flags):
        raise InvalidParameter(f"invalid mode: {mode}")
    return frozenset(flags)


def _check_volume_name(name: str) -> None:
    if not is_container_name(name):
        raise InvalidParameter(
            f'create {name}: "{name}" includes invalid characters for a local volume name, only '
            f'"{CONTAINER_NAME_RULE}" are allowed. If you intended to pass a host directory, use absolute path'
        )


def _target(path: str, type_: MountType | None = None) -> str:
    prefix = f'invalid mount config for type "{type_.value}": ' if type_ else ""
    if not path.startswith("/"):
        raise InvalidParameter(f"{prefix}invalid mount path: '{path}' mount path must be absolute")
    if normpath(path) in ("/", "//"):
        raise InvalidParameter(f"{prefix}invalid specification: destination can't be '/'")
    return path


def _parse_mount(mount: MountConfig) -> MountSpec:
    kind = mount.type or ""
    try:
        type_ = MountType(kind)
    except ValueError:
        if kind == "cluster":
            raise Unimplemented("mounts of type cluster are not supported: Weft has local volumes only") from None
        raise InvalidParameter(f'invalid mount config for type "{kind}": mount type unknown') from None
    if not mount.target:
        raise _wrong(type_, "field Target must not be empty")
    _target(mount.target, type_)
    _refuse_foreign_options(mount, type_)
    return _BUILDERS[type_](mount, mount.target)


def _refuse_foreign_options(mount: MountConfig, type_: MountType) -> None:
    options = (
        (MountType.BIND, "BindOptions", mount.bind_options),
        (MountType.VOLUME, "VolumeOptions", mount.volume_options),
        (MountType.TMPFS, "TmpfsOptions", mount.tmpfs_options),
        (MountType.IMAGE, "ImageOptions", mount.image_options),
    )
    for owner, name, value in options:
        if value is not None and owner is not type_:
            raise _wrong(type_, f"field {name} must not be specified")


def _bind(mount: MountConfig, target: str) -> MountSpec:
    source, options = mount.source or "", mount.bind_options or BindOptions()
    if not source:
        raise _wrong(MountType.BIND, "field Source must not be empty")
    if not source.startswith("/"):
        raise _wrong(MountType.BIND, f"invalid mount path: '{source}' mount path must be absolute")
    if options.propagation and options.propagation not in PROPAGATIONS:
        raise _wrong(MountType.BIND, f"invalid propagation mode: {options.propagation}")
    if options.non_recursive and options.propagation in ("shared", "rshared"):
        raise Unimplemented(
            f"Mounts.BindOptions.NonRecursive is not supported with Propagation {options.propagation}: use rslave"
        )
    return MountSpec(
        type=MountType.BIND,
        source=source,
        target=target,
        read_only=bool(mount.read_only),
        propagation=options.propagation or "",
        recursive=not options.non_recursive,
        make_source=bool(options.create_mountpoint),
        read_only_depth=_depth(options),
    )


def _depth(options: BindOptions) -> ReadOnly:
    if options.read_only_non_recursive and options.read_only_force_recursive:
        raise InvalidParameter("mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive")
    if options.read_only_force_recursive:
        return ReadOnly.FORCED
    return ReadOnly.TOP if options.read_only_non_recursive else ReadOnly.RECURSIVE


def _volume(mount: MountConfig, target: str) -> MountSpec:
    source, options = mount.source or "", mount.volume_options or VolumeOptions()
    if source:
        _check_volume_name(source)
    elif mount.read_only:
        raise _wrong(MountType.VOLUME, "must not set ReadOnly mode when using anonymous volumes")
    driver = options.driver_config or VolumeDriverConfig()
    if driver.name not in (None, "", "local"):
        raise InvalidParameter(f'error looking up volume plugin {driver.name}: plugin "{driver.name}" not found')
    return MountSpec(
        type=MountType.VOLUME,
        source=source,
        target=target,
        read_only=bool(mount.read_only),
        no_copy=bool(options.no_copy),
        volume_labels=text_map(options.labels),
        volume_driver=driver.name or "",
        volume_options=text_map(driver.options),
        subpath=_subpath(MountType.VOLUME, options.subpath or ""),
    )


def _image(mount: MountConfig, target: str) -> MountSpec:
    source, options = mount.source or "", mount.image_options or ImageOptions()
    if not source:
        raise _wrong(MountType.IMAGE, "field Source must not be empty")
    subpath = _subpath(MountType.IMAGE, options.subpath or "")
    return MountSpec(type=MountType.IMAGE, source=source, target=target, read_only=True, subpath=subpath)


def _subpath(type_: MountType, path: str) -> str:
    if path and (path.startswith("/") or ".." in path.split("/")):
        raise _wrong(type_, "subpath must be a relative path within the volume")
    return path


def _tmpfs(mount: MountConfig, target: str) -> MountSpec:
    if mount.source:
        raise _wrong(MountType.TMPFS, "field Source must not be specified")
    options = tmpfs_option_text(mount.tmpfs_options or TmpfsOptions())
    return MountSpec(type=MountType.TMPFS, target=target, read_only=bool(mount.read_only), tmpfs_options=options)


_BUILDERS = {MountType.BIND: _bind, MountType.VOLUME: _volume, MountType.TMPFS: _tmpfs, MountType.IMAGE: _image}


def tmpfs_option_text(options: TmpfsOptions) -> str:
    """Return mount options as tmpfs(5) reads them; `mode` in octal, `size` in bytes."""
    parts = []
    if options.mode:
        parts.append(f"mode={options.mode:o}")
    if options.size_bytes:
        if options.size_bytes < 0:
            raise InvalidParameter('invalid mount config for type "tmpfs": size must not be negative')
        parts.append(f"size={options.size_bytes}")
    for option in options.options or ():
        if not 1 <= len(option) <= 2 or any("," in word for word in option):
            raise InvalidParameter('invalid mount config for type "tmpfs": Options are [name] or [name, value]')
        parts.append("=".join(option))
    return ",".join(parts)


def _wrong(type_: MountType, reason: str) -> InvalidParameter:
    return InvalidParameter(f'invalid mount config for type "{type_.value}": {reason}')
