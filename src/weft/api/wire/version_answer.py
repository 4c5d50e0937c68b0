"""SystemState -> GET /version (Engine API v1.51 SystemVersion)."""

from collections.abc import Mapping

from msgspec import field

import weft
from weft.api.version import ENGINE_VERSION, MAXIMUM, MINIMUM
from weft.api.wire.shapes import Answer
from weft.engine.results import SystemState

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


class PlatformAnswer(Answer, frozen=True, kw_only=True):
    """Platform."""

    name: str


class ComponentAnswer(Answer, frozen=True, kw_only=True):
    """One of Components: a program that takes part."""

    name: str
    version: str
    details: Mapping[str, str]


class VersionAnswer(Answer, frozen=True, kw_only=True):
    """The whole answer."""

    platform: PlatformAnswer
    components: list[ComponentAnswer]
    version: str = ENGINE_VERSION
    api_version: str = str(MAXIMUM)
    min_api_version: str = field(name="MinAPIVersion", default=str(MINIMUM))
    git_commit: str = ""
    go_version: str = ""
    os: str = "linux"
    arch: str
    kernel_version: str
    build_time: str = ""


def version_answer(state: SystemState) -> VersionAnswer:
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
    runtime = state.runtime
    return VersionAnswer(
        platform=PlatformAnswer(name=f"Weft {weft.__version__}"),
        components=[
            ComponentAnswer(name="Weft", version=weft.__version__, details=details),
            ComponentAnswer(name=runtime.name, version=runtime.version, details={"GitCommit": ""}),
            ComponentAnswer(name="conmon", version=runtime.supervisor_version, details={"GitCommit": ""}),
        ],
        arch=architecture,
        kernel_version=state.kernel_version,
    )
