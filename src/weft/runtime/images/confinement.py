"""Confines programs that unpack archives of strangers to one directory (Linux Documentation/userspace-api/landlock)."""

import ctypes
import os
import struct
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_ABI_WITH_HARD_LINKS = 2  # the first ABI forbids every link between two directories
# LANDLOCK_ACCESS_FS_: WRITE_FILE, then REMOVE_DIR up to MAKE_SYM, then REFER
_WRITES = 1 << 1 | sum(1 << bit for bit in range(4, 13)) | 1 << 13


def spawn_confined(argv: Sequence[str], directory: Path, stdin: int, stderr: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start a program that can create, write and remove files beneath `directory` only.

    A kernel without Landlock (before 5.19, or with it switched off) starts it unconfined. Raises OSError if it
    cannot be started.
    """
    started: list[subprocess.Popen[bytes]] = []
    failed: list[OSError] = []
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)  # opened before it is forbidden

    def start() -> None:
        try:
            _restrict_thread(directory)
            started.append(
                subprocess.Popen(argv, stdin=stdin, stdout=nowhere, stderr=stderr, cwd=directory, env=_environment())
            )
        except OSError as error:
            failed.append(error)

    # Landlock binds the calling thread for ever, and what it starts: hence a thread that lives for this alone.
    thread = threading.Thread(target=start, name="confined-start")
    thread.start()
    thread.join()
    os.close(nowhere)
    if failed:
        raise failed[0]
    return started[0]


def is_confinement_available() -> bool:
    """Whether this kernel confines."""
    abi: int = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    return abi >= _ABI_WITH_HARD_LINKS


def _restrict_thread(directory: Path) -> None:
    if not is_confinement_available():
        return
    libc = _libc()
    attributes = struct.pack("=Q", _WRITES)
    ruleset = _checked(libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0))
    try:
        parent = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", _WRITES, parent)
            _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
        finally:
            os.close(parent)
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _environment() -> dict[str, str]:
    """Messages in English, and no TAR_OPTIONS of the administrator."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
