"""What `--security-opt` says."""

from collections.abc import Sequence
from dataclasses import dataclass

from weft.model.errors import InvalidParameter, Unimplemented


@dataclass(frozen=True, slots=True)
class SecurityOptions:
    """Parsed options. `seccomp` is "" for the default profile, "unconfined", or the profile's JSON text.

    `writable_cgroups` None goes by whether the container is privileged.
    """

    no_new_privileges: bool = False
    seccomp: str = ""
    writable_cgroups: bool | None = None


def parse(options: Sequence[str]) -> SecurityOptions:
    """Parse `--security-opt` values as the API carries them (a seccomp profile by its content).

    InvalidParameter for malformed ones, Unimplemented names those that Weft does not enforce.
    """
    no_new_privileges, seccomp = False, ""
    writable_cgroups: bool | None = None
    for option in options:
        key, separator, value = _split(option)
        match key:
            case "no-new-privileges":
                no_new_privileges = _boolean(option, value) if separator else True
            case "writable-cgroups" if separator:
                writable_cgroups = _boolean(option, value)
            case "seccomp" if separator:
                seccomp = "" if value == "builtin" else value
            case "apparmor" if separator:
                _only(option, value, "unconfined", "Weft confines with seccomp and capabilities, not with AppArmor")
            case "label" if separator:
                _only(option, value, "disable", "Weft does not label with SELinux")
            case _:
                number = 2 if separator else 1
                raise InvalidParameter(f'invalid --security-opt {number}: "{option}"')
    return SecurityOptions(no_new_privileges, seccomp, writable_cgroups)


def _split(option: str) -> tuple[str, str, str]:
    # "=" since Docker 1.11; ":" before that
    equals, colon = option.find("="), option.find(":")
    separator = ":" if equals < 0 or 0 <= colon < equals else "="
    return option.partition(separator)


def _boolean(option: str, value: str) -> bool:
    if value in ("true", "1", "t", "T", "TRUE", "True"):
        return True
    if value in ("false", "0", "f", "F", "FALSE", "False"):
        return False
    raise InvalidParameter(f'invalid --security-opt 2: "{option}"')


def _only(option: str, value: str, accepted: str, reason: str) -> None:
    if value != accepted:
        raise Unimplemented(f'security option "{option}" is not supported: {reason}; use {accepted} or leave it out')
