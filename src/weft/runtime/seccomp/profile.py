"""Seccomp profiles as Docker and Podman write them (JSON), and the rules that apply to one container."""

import errno
import platform
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from weft.model.errors import InvalidParameter

# what profiles call this machine's architecture in includes.arches, and in archMap
_GO_ARCHITECTURES: Final[Mapping[str, str]] = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_SECCOMP_ARCHITECTURES: Final[Mapping[str, str]] = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}


class Argument(msgspec.Struct, rename="camel", frozen=True):
    """A condition on one argument of a system call."""

    index: int
    value: int
    op: str
    value_two: int = 0


class _Condition(msgspec.Struct, rename="camel", frozen=True):
    arches: list[str] | None = None
    caps: list[str] | None = None
    min_kernel: str = ""


class _Rule(msgspec.Struct, rename="camel", frozen=True):
    action: str
    names: list[str] | None = None
    name: str = ""
    args: list[Argument] | None = None
    errno_ret: int | None = None
    includes: _Condition | None = None
    excludes: _Condition | None = None


class _Architecture(msgspec.Struct, rename="camel", frozen=True):
    architecture: str
    sub_architectures: list[str] | None = None


class Profile(msgspec.Struct, rename="camel", frozen=True):
    """A whole profile."""

    default_action: str
    default_errno_ret: int | None = None
    architectures: list[str] | None = None
    arch_map: list[_Architecture] | None = None
    syscalls: list[_Rule] | None = None
    flags: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """An action for system calls by name, when all `arguments` hold. `error` is the errno of SCMP_ACT_ERRNO."""

    names: tuple[str, ...]
    action: str
    error: int
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules for one set of capabilities on this machine."""

    default_action: str
    default_error: int
    architectures: tuple[str, ...]
    rules: tuple[Rule, ...]
    flags: tuple[str, ...] = ()

    def oci(self) -> dict[str, object]:
        """Return the OCI `linux.seccomp`."""
        found: dict[str, object] = {
            "defaultAction": self.default_action,
            "architectures": list(self.architectures),
            "flags": list(self.flags),
            "syscalls": [_oci_rule(rule) for rule in self.rules],
        }
        if self.default_action == "SCMP_ACT_ERRNO":
            found["defaultErrnoRet"] = self.default_error
        return found


def parse(text: str | bytes) -> Profile:
    """Parse a profile; InvalidParameter says what is wrong with it."""
    try:
        return msgspec.json.decode(text, type=Profile)
    except msgspec.DecodeError as error:
        raise InvalidParameter(f"Decoding seccomp profile failed: {error}") from error


def select(
    profile: Profile,
    capabilities: Collection[str],
    *,
    machine: str = platform.machine(),
    kernel: str = platform.release(),
) -> Selection:
    """Return the rules whose conditions hold for these capabilities on this machine."""
    native = _GO_ARCHITECTURES.get(machine, machine)
    version = _version(kernel)
    rules = tuple(
        Rule(
            names=tuple(rule.names or ([rule.name] if rule.name else ())),
            action=rule.action,
            error=errno.EPERM if rule.errno_ret is None else rule.errno_ret,
            arguments=tuple(rule.args or ()),
        )
        for rule in profile.syscalls or ()
        if _applies(rule, capabilities, native, version)
    )
    default_error = errno.EPERM if profile.default_errno_ret is None else profile.default_errno_ret
    architectures = tuple(profile.architectures or _mapped(profile.arch_map or (), machine))
    return Selection(profile.default_action, default_error, architectures, rules, tuple(profile.flags or ()))


def _applies(rule: _Rule, capabilities: Collection[str], native: str, version: tuple[int, ...]) -> bool:
    wanted, unwanted = rule.includes or _Condition(), rule.excludes or _Condition()
    if wanted.arches and native not in wanted.arches:
        return False
    if wanted.caps and not set(wanted.caps) <= set(capabilities):
        return False
    if wanted.min_kernel and version < _version(wanted.min_kernel):
        return False
    if unwanted.arches and native in unwanted.arches:
        return False
    if unwanted.min_kernel and version >= _version(unwanted.min_kernel):
        return False
    return not (unwanted.caps and set(unwanted.caps) & set(capabilities))


def _mapped(entries: Sequence[_Architecture], machine: str) -> list[str]:
    native = _SECCOMP_ARCHITECTURES.get(machine, f"SCMP_ARCH_{machine.upper()}")
    for entry in entries:
        if entry.architecture == native:
            return [native, *(entry.sub_architectures or ())]
    return []


def _version(text: str) -> tuple[int, ...]:
    numbers = text.split("-")[0].split("+")[0].split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdecimal())


def _oci_rule(rule: Rule) -> dict[str, object]:
    found: dict[str, object] = {"names": list(rule.names), "action": rule.action}
    if rule.action == "SCMP_ACT_ERRNO":
        found["errnoRet"] = rule.error
    if rule.arguments:
        found["args"] = [msgspec.to_builtins(argument) for argument in rule.arguments]
    return found
