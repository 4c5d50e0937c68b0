"""Hands the OCI runtime the filter of a container: compiled once for crun, as rules for runc."""

import base64
import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Final

from weft.model.errors import Unavailable
from weft.runtime.seccomp.bpf import Compiler
from weft.runtime.seccomp.profile import Profile, parse, select

DEFAULT_PROFILE: Final = Path("/usr/share/containers/seccomp.json")
UNCONFINED: Final = "unconfined"
_ANNOTATION: Final = "run.oci.seccomp_bpf_data"
_TAKES_PROGRAMS: Final = "crun"
_MOST_KEPT: Final = 64  # profiles come from users


class SeccompFilters:
    """Filters by profile and capabilities, compiled at first use and kept."""

    def __init__(self, default: Path = DEFAULT_PROFILE, status: Path = Path("/proc/self/status")) -> None:
        self.available: Final = "\nSeccomp:" in status.read_text()
        self._default_path = default
        self._default = default.read_bytes() if default.is_file() else b""
        self._compiler = Compiler() if self.available else None
        self._profiles: dict[str, Profile] = {}
        self._programs: dict[tuple[str, frozenset[str]], str] = {}

    def check(self, profile: str, capabilities: Collection[str]) -> None:
        """Raise InvalidParameter for a profile that cannot be compiled, Unavailable without the default one."""
        if not profile:
            self._profile(profile)
        elif profile != UNCONFINED:
            self._program(profile, capabilities)

    def compile_default(self, capabilities: Collection[str]) -> None:
        """Compile the default profile ahead of the first container; nothing where there is none."""
        if self.available and self._default:
            self._program("", capabilities)

    def apply(self, config: dict[str, object], profile: str, capabilities: Collection[str], *, runtime: str) -> None:
        """Put a filter into an OCI configuration; `profile` is "" (default), "unconfined" or JSON.

        Unavailable when the default profile is missing.
        """
        if profile == UNCONFINED or not self.available:
            return
        if runtime == _TAKES_PROGRAMS:
            given = config.get("annotations", {})
            assert isinstance(given, dict)  # noqa: S101 - the caller made it
            config["annotations"] = {**given, _ANNOTATION: self._program(profile, capabilities)}
            return
        linux = config["linux"]
        assert isinstance(linux, dict)  # noqa: S101 - the caller made it
        linux["seccomp"] = select(self._profile(profile), capabilities).oci()

    def _program(self, profile: str, capabilities: Collection[str]) -> str:
        key = (_digest(profile), frozenset(capabilities))
        if key not in self._programs and self._compiler is not None:
            selection = select(self._profile(profile), capabilities)
            if len(self._programs) >= _MOST_KEPT:
                self._programs.clear()
            self._programs[key] = base64.b64encode(self._compiler.compile(selection)).decode()
        return self._programs.get(key, "")

    def _profile(self, text: str) -> Profile:
        if not text and not self._default:
            raise Unavailable(
                f"the default seccomp profile {self._default_path} is missing: install "
                "golang-github-containers-common, or use --security-opt seccomp=unconfined"
            )
        key = _digest(text)
        if key not in self._profiles:
            if len(self._profiles) >= _MOST_KEPT:
                self._profiles.clear()
            self._profiles[key] = parse(text or self._default)
        return self._profiles[key]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""
