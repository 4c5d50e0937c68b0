"""Compiles rules to a BPF program through libseccomp (seccomp_rule_add(3), seccomp_export_bpf(3))."""

import ctypes
import errno
import os
from collections.abc import Mapping
from typing import Final

from weft.model.errors import InvalidParameter, SystemFailure
from weft.runtime.seccomp.profile import Argument, Rule, Selection

_LIBRARY: Final = "libseccomp.so.2"
_ACTIONS: Final[Mapping[str, int]] = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
_OPERATORS: Final[Mapping[str, int]] = {
    f"SCMP_CMP_{name}": number for number, name in enumerate(["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"], start=1)
}
_UNKNOWN_SYSTEM_CALL: Final = -1
_OPTIMIZE: Final = 8  # SCMP_FLTATR_CTL_OPTIMIZE
_BINARY_TREE: Final = 2


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


class Compiler:
    """libseccomp, loaded."""

    def __init__(self) -> None:
        library = ctypes.CDLL(_LIBRARY)
        library.seccomp_init.restype = ctypes.c_void_p
        library.seccomp_init.argtypes = [ctypes.c_uint32]
        library.seccomp_release.argtypes = [ctypes.c_void_p]
        library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
        library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
        library.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        library.seccomp_rule_add_array.argtypes = [
            ctypes.c_void_p,
            ctypes.c_uint32,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_void_p,
        ]
        library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._library = library

    def compile(self, selection: Selection) -> bytes:
        """Return the BPF program; InvalidParameter names what libseccomp refuses."""
        default = _action(selection.default_action, selection.default_error)
        context = self._library.seccomp_init(default)
        if not context:
            raise InvalidParameter(f"seccomp profile: invalid default action {selection.default_action}")
        try:
            # absent before libseccomp 2.5; the program is the same, only slower
            self._library.seccomp_attr_set(context, _OPTIMIZE, _BINARY_TREE)
            for architecture in selection.architectures:
                self._add_architecture(context, architecture)
            for rule in selection.rules:
                if _action(rule.action, rule.error) != default:
                    self._add(context, rule)
            return self._export(context)
        finally:
            self._library.seccomp_release(context)

    def _add_architecture(self, context: int, name: str) -> None:
        token = self._library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
        if not token:
            raise InvalidParameter(f"seccomp profile: unknown architecture {name}")
        self._expect(self._library.seccomp_arch_add(context, token), f"architecture {name}")

    def _add(self, context: int, rule: Rule) -> None:
        action = _action(rule.action, rule.error)
        indexes = [argument.index for argument in rule.arguments]
        # several conditions on one argument are alternatives; on different ones all must hold
        repeated = len(set(indexes)) != len(indexes)
        groups = [(argument,) for argument in rule.arguments] if repeated else [rule.arguments]
        for name in rule.names:
            number = self._library.seccomp_syscall_resolve_name(name.encode())
            if number == _UNKNOWN_SYSTEM_CALL:
                continue  # newer than this libseccomp: the default action holds for it
            for group in groups:
                array = (_Comparison * len(group))(*(_comparison(argument) for argument in group))
                result = self._library.seccomp_rule_add_array(context, action, number, len(group), array)
                self._expect(result, f"rule for {name}")

    def _export(self, context: int) -> bytes:
        descriptor = os.memfd_create("seccomp", os.MFD_CLOEXEC)
        with open(descriptor, "r+b") as file:
            result = self._library.seccomp_export_bpf(context, descriptor)
            if result < 0:
                raise SystemFailure(f"compiling the seccomp profile failed: {os.strerror(-result)}")
            file.seek(0)
            return file.read()

    @staticmethod
    def _expect(result: int, about: str) -> None:
        if result < 0 and result != -errno.EEXIST:
            raise InvalidParameter(f"seccomp profile: {about} refused: {os.strerror(-result)}")


def _action(name: str, error: int) -> int:
    try:
        return _ACTIONS[name] | (error if name == "SCMP_ACT_ERRNO" else 0)
    except KeyError:
        raise InvalidParameter(f"seccomp profile: action {name} is not supported") from None


def _comparison(argument: Argument) -> _Comparison:
    try:
        return _Comparison(argument.index, _OPERATORS[argument.op], argument.value, argument.value_two)
    except KeyError:
        raise InvalidParameter(f"seccomp profile: unknown operator {argument.op}") from None
