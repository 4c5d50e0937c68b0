"""Checks of --security-opt values."""

from collections.abc import Iterable

from weft.model.errors import InvalidParameter, Unimplemented

_BOOLEANS = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})
_NO_OP = frozenset({"apparmor=unconfined", "label=disable"})  # Weft confines by neither, so they hold already


def check_security_options(options: Iterable[str]) -> None:
    """Raise InvalidParameter for a malformed option, Unimplemented for one that Weft would not apply.

    Accepted are no-new-privileges[=BOOL], writable-cgroups=BOOL, seccomp=unconfined|builtin|<profile as JSON>, and what
    asks for no confinement by AppArmor or SELinux. The client makes MaskedPaths of systempaths=unconfined.
    """
    for option in options:
        _check(option)


def _check(option: str) -> None:
    equals, colon = option.find("="), option.find(":")
    separator = "=" if equals >= 0 and (colon < 0 or equals < colon) else ":"
    key, found, value = option.partition(separator)
    if key == "no-new-privileges" and (not found or value in _BOOLEANS):
        return
    if key == "writable-cgroups" and value in _BOOLEANS:
        return
    if key == "seccomp" and found and (value in ("unconfined", "builtin") or value.lstrip().startswith("{")):
        return
    if f"{key}={value}" in _NO_OP:
        return
    if key in ("apparmor", "label") and found:
        raise Unimplemented(f"security option {option} is not supported: Weft confines with capabilities and seccomp")
    raise InvalidParameter(f'invalid --security-opt {2 if found else 1}: "{option}"')
