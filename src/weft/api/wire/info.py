"""SystemState -> GET /info (Engine API v1.51 SystemInfo)."""

from collections.abc import Mapping
from typing import Any

from weft.api.version import ENGINE_VERSION, Version
from weft.api.wire.log_config import DRIVERS
from weft.api.wire.times import rfc3339
from weft.engine.results import SystemState

_INDEX = "https://index.docker.io/v1/"
_POOLS_SINCE = Version(1, 40)
_BRIDGE_NETFILTER_UNTIL = Version(1, 50)
_FIREWALL_SINCE = Version(1, 49)
_BUILTIN_PROFILE_SINCE = Version(1, 42)
_EXPECTED_UNTIL = Version(1, 49)
_NONDISTRIBUTABLE = ("AllowNondistributableArtifactsCIDRs", "AllowNondistributableArtifactsHostnames")
_NO_SWARM: Mapping[str, Any] = {
    "NodeID": "",
    "NodeAddr": "",
    "LocalNodeState": "inactive",
    "ControlAvailable": False,
    "Error": "",
    "RemoteManagers": None,
}


def info_answer(state: SystemState, version: Version, now: int) -> Mapping[str, Any]:
    """Return the answer; `now` is the time in nanoseconds since the epoch."""
    counts = state.containers
    runtime = state.runtime
    answer: dict[str, Any] = {
        "ID": state.id,
        "Containers": sum(counts.values()),
        "ContainersRunning": counts.get("running", 0),
        "ContainersPaused": counts.get("paused", 0),
        "ContainersStopped": counts.get("stopped", 0),
        "Images": state.images,
        "Driver": "overlay2",
        "DriverStatus": [["Supports d_type", "true"]],
        "Plugins": {
            "Volume": ["local"],
            "Network": list(state.network_drivers),
            "Authorization": None,
            "Log": list(DRIVERS),
        },
        **_limits(runtime.controllers),
        "IPv4Forwarding": state.ipv4_forwarding,
        "Debug": state.debug,
        "NFd": state.file_descriptors,
        "NGoroutines": state.tasks,
        "SystemTime": rfc3339(now),
        "LoggingDriver": state.log_driver,
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": str(runtime.cgroup_version),
        "NEventsListener": state.event_listeners,
        **_host(state),
        "IndexServerAddress": _INDEX,
        "RegistryConfig": _registries(state, version),
        "GenericResources": None,
        "DockerRootDir": state.data_root,
        "HttpProxy": "",
        "HttpsProxy": "",
        "NoProxy": "",
        "Labels": list(state.labels),
        "ExperimentalBuild": False,
        "ServerVersion": ENGINE_VERSION,
        "Runtimes": {name: {"path": name} for name in (runtime.name, *runtime.others)},
        "DefaultRuntime": runtime.name,
        "Swarm": _NO_SWARM,
        "LiveRestoreEnabled": True,
        "Isolation": "",
        "InitBinary": "",
        "ContainerdCommit": _commit("", version),
        "RuncCommit": _commit(runtime.version, version),
        "InitCommit": _commit("", version),
        "SecurityOptions": _security(state, version),
        "Warnings": list(state.warnings) or None,
    }
    return answer | _gated(state, version)


def _limits(controllers: frozenset[str]) -> Mapping[str, bool]:
    """What of the machine's cgroup controllers Weft uses; what it refuses is false whatever the machine has."""
    cpu = "cpu" in controllers
    return {
        "MemoryLimit": "memory" in controllers,
        "SwapLimit": "memory" in controllers,
        "CpuCfsPeriod": cpu,
        "CpuCfsQuota": cpu,
        "CPUShares": cpu,
        "CPUSet": False,
        "PidsLimit": "pids" in controllers,
        "OomKillDisable": False,
    }


def _host(state: SystemState) -> Mapping[str, Any]:
    return {
        "Name": state.hostname,
        "KernelVersion": state.kernel_version,
        "OperatingSystem": state.operating_system,
        "OSVersion": state.os_version,
        "OSType": "linux",
        "Architecture": state.architecture,
        "NCPU": state.cpus,
        "MemTotal": state.memory,
    }


def _registries(state: SystemState, version: Version) -> Mapping[str, Any]:
    insecure = [name for name in state.insecure_registries if "/" not in name]
    mirrors = [f"{mirror.rstrip('/')}/" for mirror in state.registry_mirrors]
    hub = {"Name": "docker.io", "Mirrors": mirrors, "Secure": True, "Official": True}
    others = {name: {"Name": name, "Mirrors": [], "Secure": False, "Official": False} for name in insecure}
    return {
        "InsecureRegistryCIDRs": [name for name in state.insecure_registries if "/" in name] + ["127.0.0.0/8"],
        "IndexConfigs": {"docker.io": hub, **others},
        "Mirrors": mirrors,
        **({name: [] for name in _NONDISTRIBUTABLE} if version < _EXPECTED_UNTIL else {}),
    }


def _commit(text: str, version: Version) -> Mapping[str, str]:
    return {"ID": text, "Expected": text} if version < _EXPECTED_UNTIL else {"ID": text}


def _security(state: SystemState, version: Version) -> list[str]:
    profile = "builtin" if version >= _BUILTIN_PROFILE_SINCE else "default"
    options = [f"name=seccomp,profile={profile}"] if state.runtime.seccomp else []
    return options + (["name=cgroupns"] if state.runtime.cgroup_version == 2 else [])


def _gated(state: SystemState, version: Version) -> dict[str, Any]:
    gated: dict[str, Any] = {}
    if version < _BRIDGE_NETFILTER_UNTIL:
        gated |= {"BridgeNfIptables": False, "BridgeNfIp6tables": False}
    if version < _BUILTIN_PROFILE_SINCE:
        gated |= {"KernelMemory": False, "KernelMemoryTCP": False}
    if version >= _POOLS_SINCE and state.address_pools:
        gated["DefaultAddressPools"] = [{"Base": base, "Size": size} for base, size in state.address_pools]
    if version >= _FIREWALL_SINCE:
        gated["FirewallBackend"] = {"Driver": "nftables", "Info": [["Version", state.nft_version]]}
    return gated
