"""--mount: type=…,source=…,target=…, and what each type takes."""

import os.path

from weft.cli.flags.flag import parse_bool
from weft.cli.flags.pairs import fields
from weft.cli.flags.size import parse_bytes

Mount = dict[str, object]
_GROUPS = {"bind": "BindOptions", "volume": "VolumeOptions", "tmpfs": "TmpfsOptions", "image": "ImageOptions"}
_BARE = ("readonly", "ro", "volume-nocopy", "bind-nonrecursive")


def parse_mount(value: str) -> Mount:
    """Return the API's Mount; raises ValueError with docker's texts."""
    mount: Mount = {"Type": "volume", "Source": "", "Target": ""}
    for field in fields(value):
        key, equals, setting = field.partition("=")
        key = key.lower()
        if not equals and key not in _BARE:
            raise ValueError(f"invalid field '{field}' must be a key=value pair")
        _apply(mount, key, setting if equals else "true", field)
    _check(mount)
    return {key: item for key, item in mount.items() if item not in ("", False)}


def _apply(mount: Mount, key: str, value: str, field: str) -> None:
    if key == "type":
        mount["Type"] = value.lower()
    elif key in ("source", "src"):
        mount["Source"] = os.path.abspath(value) if value.startswith(".") else value
    elif key in ("target", "dst", "destination"):
        mount["Target"] = value
    elif key in ("readonly", "ro"):
        mount["ReadOnly"] = _bool(key, value)
    elif key == "consistency":
        mount["Consistency"] = value.lower()
    elif key.startswith("bind-"):
        _bind(_options(mount, "bind"), key, value, field)
    elif key.startswith("volume-"):
        _volume(_options(mount, "volume"), key, value, field)
    elif key.startswith("tmpfs-"):
        _tmpfs(_options(mount, "tmpfs"), key, value, field)
    elif key == "image-subpath":
        _options(mount, "image")["Subpath"] = value
    else:
        raise ValueError(f"unexpected key '{key}' in '{field}'")


def _nested(document: dict[str, object], key: str) -> dict[str, object]:
    inner = document.get(key)
    if not isinstance(inner, dict):
        inner = document[key] = {}
    return inner


def _options(mount: Mount, kind: str) -> dict[str, object]:
    return _nested(mount, _GROUPS[kind])


def _bool(key: str, value: str) -> bool:
    try:
        return parse_bool(value)
    except ValueError:
        raise ValueError(f"invalid value for {key}: {value}") from None


def _bind(options: dict[str, object], key: str, value: str, field: str) -> None:
    if key == "bind-propagation":
        options["Propagation"] = value.lower()
    elif key == "bind-nonrecursive":
        options["NonRecursive"] = _bool(key, value)
    elif key == "bind-recursive":
        settings = {
            "enabled": "",
            "disabled": "NonRecursive",
            "writable": "ReadOnlyNonRecursive",
            "readonly": "ReadOnlyForceRecursive",
        }
        if value not in settings:
            choices = '"enabled", "disabled", "writable", or "readonly"'
            raise ValueError(f"invalid value for {key}: {value} (must be {choices})")
        if settings[value]:
            options[settings[value]] = True
    else:
        raise ValueError(f"unexpected key '{key}' in '{field}'")


def _volume(options: dict[str, object], key: str, value: str, field: str) -> None:
    driver: dict[str, object] = _nested(options, "DriverConfig")
    labels = _nested(options, "Labels")
    name, _, setting = value.partition("=")
    if key == "volume-nocopy":
        options["NoCopy"] = _bool(key, value)
    elif key == "volume-label":
        labels[name] = setting
    elif key == "volume-driver":
        driver["Name"] = value
    elif key == "volume-opt":
        _nested(driver, "Options")[name] = setting
    elif key == "volume-subpath":
        options["Subpath"] = value
    else:
        raise ValueError(f"unexpected key '{key}' in '{field}'")


def _tmpfs(options: dict[str, object], key: str, value: str, field: str) -> None:
    try:
        if key == "tmpfs-size":
            options["SizeBytes"] = parse_bytes(value)
        elif key == "tmpfs-mode":
            options["Mode"] = int(value, 8)
        else:
            raise LookupError
    except ValueError:
        raise ValueError(f"invalid value for {key}: {value}") from None
    except LookupError:
        raise ValueError(f"unexpected key '{key}' in '{field}'") from None


def _check(mount: Mount) -> None:
    kind = str(mount["Type"])
    if not kind:
        raise ValueError("type is required")
    if not mount["Target"]:
        raise ValueError("target is required")
    for other, group in _GROUPS.items():
        if group in mount and other != kind:
            raise ValueError(f"cannot mix '{other}-*' options with mount type '{kind}'")
    bind = mount.get("BindOptions")
    if not isinstance(bind, dict):
        return
    if bind.get("ReadOnlyNonRecursive") and not mount.get("ReadOnly"):
        raise ValueError("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction")
    if bind.get("ReadOnlyForceRecursive"):
        if not mount.get("ReadOnly"):
            raise ValueError("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction")
        if bind.get("Propagation") != "rprivate":
            raise ValueError(
                "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction"
            )
