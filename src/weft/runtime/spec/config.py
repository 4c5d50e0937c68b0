"""The OCI runtime's config.json for one run of a container."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from weft.engine.contract.runtime import Bundle
from weft.model.container import ContainerSpec
from weft.model.errors import Conflict, InvalidParameter
from weft.model.protected_paths import MASKED_PATHS, READ_ONLY_PATHS
from weft.runtime.cgroup import Cgroups
from weft.runtime.open_files import Limits
from weft.runtime.seccomp.filters import SeccompFilters
from weft.runtime.spec import capabilities, devices, mounts, resources, security
from weft.runtime.spec.process import container_process
from weft.runtime.spec.users import User

_VERSION: Final = "1.0.2"


@dataclass(frozen=True, slots=True)
class Placement:
    """What a configuration needs besides the bundle. `namespace_of` gives a running container's pid, or 0."""

    root: str
    cgroup: str
    user: User
    init: str
    network_namespace: str
    shared_memory: str  # path of the /dev/shm that others use too, "" for the container's own
    runtime: str
    pid_of: Callable[[str], int]


class ConfigWriter:
    """Makes configurations; holds what the host was found to be."""

    def __init__(self, cgroups: Cgroups, filters: SeccompFilters, open_files: Limits) -> None:
        self._cgroups = cgroups
        self._filters = filters
        self._open_files = open_files
        self.known_capabilities: Final = capabilities.supported()
        self._limits_swap: Final = cgroups.limits_swap

    def check(self, spec: ContainerSpec) -> None:
        """Raise InvalidParameter or Unimplemented for what this runtime would refuse at start."""
        granted = capabilities.granted(spec.security, self.known_capabilities)
        options = security.parse(spec.security.security_opt)
        if options.seccomp or not spec.security.privileged:
            self._filters.check(options.seccomp, granted)
        resources.rlimits(spec.resources.ulimits)
        for mount in spec.mounts:
            mounts.tmpfs_options(mount.tmpfs_options)
        self._cgroups.path_of(spec.cgroup_parent, "id")

    def config(self, bundle: Bundle, placement: Placement) -> dict[str, object]:
        """Return the configuration; raises what `check` raises."""
        spec = bundle.record.spec
        granted = capabilities.granted(spec.security, self.known_capabilities)
        options = security.parse(spec.security.security_opt)
        config: dict[str, object] = {
            "ociVersion": _VERSION,
            "process": container_process(
                spec,
                hostname=bundle.hostname,
                user=placement.user,
                capabilities=granted,
                no_new_privileges=options.no_new_privileges,
                init=bool(placement.init),
                open_files=self._open_files,
            ),
            "root": {"path": placement.root, "readonly": spec.security.read_only_root},
            "mounts": mounts.all_mounts(bundle, init=placement.init, shared_memory=placement.shared_memory),
            "linux": self._linux(bundle, placement),
        }
        if spec.uts_mode != "host":
            config["hostname"] = bundle.hostname
        if spec.annotations:
            config["annotations"] = dict(spec.annotations)
        if options.seccomp or not spec.security.privileged:
            self._filters.apply(config, options.seccomp, granted, runtime=placement.runtime)
        return config

    def _linux(self, bundle: Bundle, placement: Placement) -> dict[str, object]:
        spec = bundle.record.spec
        privileged = spec.security.privileged
        nodes, rules = devices.devices(spec)
        linux: dict[str, object] = {
            "namespaces": self._namespaces(spec, placement),
            "cgroupsPath": placement.cgroup,
            "resources": resources.cgroup_limits(spec.resources, limits_swap=self._limits_swap) | {"devices": rules},
            "sysctl": _sysctls(bundle),
            "maskedPaths": _paths(spec.security.masked_paths, MASKED_PATHS, privileged=privileged),
            "readonlyPaths": _paths(spec.security.read_only_paths, READ_ONLY_PATHS, privileged=privileged),
        }
        if nodes:
            linux["devices"] = nodes
        if propagation := mounts.root_propagation(bundle.mounts):
            linux["rootfsPropagation"] = propagation
        return linux

    def _namespaces(self, spec: ContainerSpec, placement: Placement) -> list[dict[str, str]]:
        found: list[dict[str, str]] = [{"type": "mount"}]
        if placement.network_namespace:
            found.append({"type": "network", "path": placement.network_namespace})
        if spec.uts_mode != "host":
            found.append({"type": "uts"})
        for kind, mode in (("ipc", spec.ipc_mode), ("pid", spec.pid_mode)):
            if mode.startswith("container:"):
                found.append({"type": kind, "path": _namespace(kind, mode, placement)})
            elif mode != "host":
                found.append({"type": kind})
        if (spec.cgroupns_mode or self._cgroups.usual_namespace) == "private":
            found.append({"type": "cgroup"})
        return found


def _namespace(kind: str, mode: str, placement: Placement) -> str:
    target = mode.removeprefix("container:")
    if not (pid := placement.pid_of(target)):
        raise Conflict(f"failed to join {kind.upper()} namespace: container {target} is not running")
    return f"/proc/{pid}/ns/{kind}"


def _sysctls(bundle: Bundle) -> dict[str, str]:
    """Return what was asked for; the defaults of containers come with their network namespace."""
    spec = bundle.record.spec
    given = {**spec.security.sysctls, **bundle.sysctls}
    if not bundle.network_namespace and (name := next((key for key in given if key.startswith("net.")), "")):
        raise InvalidParameter(f"sysctl {name!r} is not allowed in the host's network namespace")
    if spec.networking.domainname and spec.uts_mode != "host":
        given.setdefault("kernel.domainname", spec.networking.domainname)
    return given


def _paths(chosen: tuple[str, ...] | None, default: tuple[str, ...], *, privileged: bool) -> list[str]:
    if chosen is not None:
        return list(chosen)
    return [] if privileged else list(default)
