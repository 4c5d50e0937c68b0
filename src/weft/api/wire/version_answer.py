"""SystemState -> GET /version (Engine API v1.51 SystemVersion)."""

from collections.abc import Mapping
from typing import Any

import weft
from weft.api.version import ENGINE_VERSION, MAXIMUM, MINIMUM
from weft.engine.results import SystemState

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def version_answer(state: SystemState) -> Mapping[str, Any]:
    """Return the answer: Version is the engine release that clients may count on, Components say what really runs."""
    architecture = _ARCHITECTURES.get(state.architecture, state.architecture)
    details = {
        "ApiVersion": str(MAXIMUM),
        "Arch": architecture,
        "Experimental": "false",
        "GitCommit": "",
        "KernelVersion": state.kernel_version,
        "MinAPIVersion": str(MINIMUM),
        "Os": "linux",
    }
    return {
        "Platform": {"Name": f"Weft {weft.__version__}"},
        "Components": [
            _component("Weft", weft.__version__, details),
            _component(state.runtime.name, state.runtime.version, {"GitCommit": ""}),
            _component("conmon", state.runtime.supervisor_version, {"GitCommit": ""}),
        ],
        "Version": ENGINE_VERSION,
        "ApiVersion": str(MAXIMUM),
        "MinAPIVersion": str(MINIMUM),
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": architecture,
        "KernelVersion": state.kernel_version,
        "BuildTime": "",
    }


def _component(name: str, version: str, details: Mapping[str, str]) -> Mapping[str, Any]:
    return {"Name": name, "Version": version, "Details": details}
