"""The process that a container or an exec runs."""

from collections.abc import Sequence
from typing import Final

from weft.engine.contract.runtime import ExecSpec
from weft.model.container import ContainerSpec
from weft.model.errors import InvalidParameter
from weft.runtime.open_files import Limits
from weft.runtime.spec.mounts import INIT_TARGET
from weft.runtime.spec.resources import rlimits
from weft.runtime.spec.users import User

DEFAULT_PATH: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def container_process(
    spec: ContainerSpec,
    *,
    hostname: str,
    user: User,
    capabilities: Sequence[str],
    no_new_privileges: bool,
    init: bool,
    open_files: Limits | None = None,
) -> dict[str, object]:
    """Return the OCI `process` of a container; InvalidParameter when there is nothing to run."""
    process = spec.process
    if not process.argv:
        raise InvalidParameter("no command specified")
    return _process(
        argv=(INIT_TARGET, "--", *process.argv) if init else process.argv,
        env=environment(hostname, process.env, tty=process.tty, home=user.home),
        cwd=process.working_dir,
        user=user,
        tty=process.tty,
        size=process.console_size,
        capabilities=capabilities,
        no_new_privileges=no_new_privileges,
    ) | {"rlimits": rlimits(spec.resources.ulimits, open_files), "oomScoreAdj": process.oom_score_adj}


def exec_process(
    spec: ExecSpec,
    *,
    container: ContainerSpec,
    hostname: str,
    user: User,
    capabilities: Sequence[str],
    no_new_privileges: bool,
    open_files: Limits | None = None,
) -> dict[str, object]:
    """Return the OCI process of an exec in that container; InvalidParameter when there is nothing to run."""
    if not spec.argv:
        raise InvalidParameter("No exec command specified")
    own = (*container.process.env, *spec.env)
    return _process(
        argv=spec.argv,
        env=environment(hostname, own, tty=spec.tty, home=user.home),
        cwd=spec.working_dir or container.process.working_dir,
        user=user,
        tty=spec.tty,
        size=spec.console_size,
        capabilities=capabilities,
        no_new_privileges=no_new_privileges,
    ) | {"rlimits": rlimits(container.resources.ulimits, open_files), "oomScoreAdj": 0}


def environment(hostname: str, given: Sequence[str], *, tty: bool, home: str) -> list[str]:
    """Return PATH, HOSTNAME and TERM (with a terminal) under `given`, and HOME last unless it is set.

    A later value replaces an earlier one in its place; a name without `=` removes the variable.
    """
    variables: dict[str, str] = {}
    defaults = (DEFAULT_PATH, f"HOSTNAME={hostname}", *(("TERM=xterm",) if tty else ()))
    for entry in (*defaults, *given):
        name, separator, _ = entry.partition("=")
        if separator:
            variables[name] = entry
        else:
            variables.pop(name, None)
    if not variables.get("HOME", "HOME=").partition("=")[2]:
        variables["HOME"] = f"HOME={home}"
    return list(variables.values())


def _process(
    *,
    argv: Sequence[str],
    env: Sequence[str],
    cwd: str,
    user: User,
    tty: bool,
    size: tuple[int, int],
    capabilities: Sequence[str],
    no_new_privileges: bool,
) -> dict[str, object]:
    sets = list(capabilities)
    process: dict[str, object] = {
        "terminal": tty,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.groups)},
        "args": list(argv),
        "env": list(env),
        "cwd": cwd or "/",
        "capabilities": {"bounding": sets, "effective": sets, "permitted": sets},
        "noNewPrivileges": no_new_privileges,
    }
    if tty and all(size):
        process["consoleSize"] = {"height": size[0], "width": size[1]}
    return process
