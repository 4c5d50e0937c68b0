"""The security options of a new container."""

from __future__ import annotations

import json

from weft.cli.flags.parser import Options
from weft.client.session import Json


def settings(options: Options) -> Json:
    """Return the part of HostConfig that bounds what the container may do; raises ValueError."""
    pid, uts = options.text("pid"), options.text("uts")
    if pid not in ("", "host") and not pid.startswith("container:"):
        raise ValueError("--pid: invalid PID mode")
    if uts not in ("", "host"):
        raise ValueError("--uts: invalid UTS mode")
    if options.text("userns") not in ("", "host"):
        raise ValueError("--userns: invalid USER mode")
    if options.text("cgroupns") not in ("", "host", "private"):
        raise ValueError("--cgroupns: invalid CGROUP mode")
    security_options = [_option(value) for value in options.texts("security-opt")]
    unconfined = "systempaths=unconfined" in security_options
    result: Json = {
        "Annotations": dict(options.pairs("annotation")),
        "CapAdd": options.texts("cap-add"),
        "CapDrop": options.texts("cap-drop"),
        "CgroupnsMode": options.text("cgroupns"),
        "GroupAdd": options.texts("group-add"),
        "IpcMode": options.text("ipc"),
        "PidMode": pid,
        "Privileged": options.on("privileged"),
        "ReadonlyRootfs": options.on("read-only"),
        "SecurityOpt": [value for value in security_options if value != "systempaths=unconfined"],
        "Sysctls": dict(options.pairs("sysctl")),
        "UTSMode": uts,
        "UsernsMode": options.text("userns"),
    }
    if unconfined:
        result |= {"MaskedPaths": [], "ReadonlyPaths": []}
    return result


def _option(value: str) -> str:
    """Check one --security-opt; a seccomp profile's file is replaced by its content."""
    key, equals, setting = value.partition("=")
    if not equals and key != "no-new-privileges":
        key, equals, setting = value.partition(":")
    if key == "no-new-privileges":
        return value
    if not equals or not setting:
        raise ValueError(f'Invalid --security-opt: "{value}"')
    if key != "seccomp" or setting in ("builtin", "unconfined"):
        return value
    try:
        with open(setting, encoding="utf-8") as file:
            profile = json.load(file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ValueError(f"opening seccomp profile ({setting}) failed: open {setting}: {reason}") from error
    except ValueError as error:
        raise ValueError(f"compacting json for seccomp profile ({setting}) failed: {error}") from error
    return "seccomp=" + json.dumps(profile, separators=(",", ":"))
