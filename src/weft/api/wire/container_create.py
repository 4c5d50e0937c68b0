"""POST /containers/create: ContainerConfig, HostConfig and NetworkingConfig -> ContainerSpec (Engine API v1.51)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from weft.api.version import Version
from weft.api.wire.capabilities import normalize
from weft.api.wire.container_config import ConfigRequest
from weft.api.wire.endpoint_config import NetworkingConfig, endpoint_spec, parse_mac
from weft.api.wire.health import health_check
from weft.api.wire.host_config import HostConfig, RestartPolicyConfig
from weft.api.wire.hosts import check_dns, check_extra_hosts
from weft.api.wire.limits import resources
from weft.api.wire.log_config import log_config
from weft.api.wire.machine import Machine
from weft.api.wire.modes import check_namespaces, check_network_mode, network_mode
from weft.api.wire.mounts import check_duplicates, parse_binds, parse_mounts, parse_tmpfs
from weft.api.wire.ports import parse_bindings, parse_port_range
from weft.api.wire.refusals import refuse_unsupported
from weft.api.wire.security import check_security_options
from weft.api.wire.shapes import text_map, texts, words
from weft.model.container import (
    ContainerSpec,
    MountSpec,
    NetworkingSpec,
    ProcessSpec,
    RestartPolicy,
    Security,
)
from weft.model.endpoint import EndpointSpec
from weft.model.errors import InvalidParameter, Unimplemented

_MANY_ENDPOINTS_SINCE = Version(1, 44)
_HOSTNAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9_.-])?")
_POLICIES = ("no", "always", "on-failure", "unless-stopped")


class CreateRequest(ConfigRequest, frozen=True, kw_only=True):
    """The body: ContainerConfig's keys beside HostConfig and NetworkingConfig."""

    host_config: HostConfig | None = None
    networking_config: NetworkingConfig | None = None


DECODER = msgspec.json.Decoder(CreateRequest | None)


@dataclass(frozen=True, slots=True)
class Creation:
    """A decoded request: the spec, endpoints by network name or id as the client wrote it, and warnings."""

    spec: ContainerSpec
    networks: Mapping[str, EndpointSpec]
    warnings: tuple[str, ...] = ()


def container_creation(request: CreateRequest | None, version: Version, machine: Machine) -> Creation:
    """Return what is to be created; raises InvalidParameter or Unimplemented naming the option in the way."""
    if request is None or not request.image:
        raise InvalidParameter("config cannot be empty in order to create a container")
    host = request.host_config or HostConfig()
    refuse_unsupported(host, runtimes=machine.runtimes | {machine.runtime})
    limits, discarded = resources(host, machine)
    _refuse_config(request)
    check_namespaces(host)
    mode = network_mode(host)
    networking = _networking(request, host, mode)
    check_network_mode(
        mode,
        host,
        hostname=networking.hostname,
        mac_address=networking.mac_address,
        exposes=bool(networking.exposed),
    )
    networks, warnings = _endpoints(request, mode, networking.mac_address, version)
    spec = ContainerSpec(
        image=request.image,
        process=_process(request, host),
        networking=networking,
        resources=limits,
        security=_security(host),
        mounts=_mounts(host),
        anonymous_volumes=_volumes(request),
        volumes_from=texts(host.volumes_from),
        restart=restart_policy(host.restart_policy, auto_remove=bool(host.auto_remove)),
        log=log_config(host.log_config, machine.log_driver),
        labels=text_map(request.labels),
        annotations=text_map(host.annotations),
        auto_remove=bool(host.auto_remove),
        shm_size=_shm_size(host),
        runtime=host.runtime or "",
        ipc_mode=host.ipc_mode or "",
        pid_mode=host.pid_mode or "",
        uts_mode=host.uts_mode or "",
        cgroupns_mode=host.cgroupns_mode or "",
        userns_mode=host.userns_mode or "",
        cgroup_parent=host.cgroup_parent or "",
        container_id_file=host.container_id_file or "",
        health=health_check(request.healthcheck, version),
    )
    return Creation(spec, networks, (*discarded, *warnings))


def _refuse_config(request: CreateRequest) -> None:
    if request.network_disabled:
        raise Unimplemented("NetworkDisabled is not supported: use the network mode none")


def _process(request: CreateRequest, host: HostConfig) -> ProcessSpec:
    for variable in texts(request.env):
        if not variable.partition("=")[0]:
            raise InvalidParameter(f"invalid environment variable: {variable}")
    working_dir = request.working_dir or ""
    if working_dir and not working_dir.startswith("/"):
        raise InvalidParameter(f"the working directory '{working_dir}' is invalid, it needs to be an absolute path")
    return ProcessSpec(
        entrypoint=words(request.entrypoint),
        cmd=words(request.cmd),
        env=texts(request.env),
        user=request.user or "",
        working_dir=working_dir,
        tty=bool(request.tty),
        open_stdin=bool(request.open_stdin),
        stdin_once=bool(request.stdin_once),
        attach_stdin=bool(request.attach_stdin),
        attach_stdout=bool(request.attach_stdout),
        attach_stderr=bool(request.attach_stderr),
        stop_signal=request.stop_signal or "",
        stop_timeout=request.stop_timeout,
        init=host.init,
        oom_score_adj=host.oom_score_adj or 0,
        console_size=console_size(host.console_size),
        shell=texts(request.shell),
    )


def console_size(size: list[int] | None) -> tuple[int, int]:
    """Return (rows, columns) of a ConsoleSize; InvalidParameter for anything that no terminal has."""
    if not size:
        return 0, 0
    if len(size) != 2 or not all(0 <= number <= 65535 for number in size):
        raise InvalidParameter("invalid ConsoleSize: it is [height, width], each from 0 to 65535")
    return size[0], size[1]


def _networking(request: CreateRequest, host: HostConfig, mode: str) -> NetworkingSpec:
    hostname = request.hostname or ""
    if hostname and not _HOSTNAME.fullmatch(hostname):
        raise InvalidParameter(f"invalid hostname format: {hostname}")
    check_dns(texts(host.dns))
    check_extra_hosts(texts(host.extra_hosts))
    exposed = tuple(port for key in request.exposed_ports or {} for port in parse_port_range(key))
    return NetworkingSpec(
        mode=mode,
        hostname=hostname,
        domainname=request.domainname or "",
        mac_address=parse_mac(request.mac_address) if request.mac_address else "",
        exposed=tuple(dict.fromkeys(exposed)),
        ports=parse_bindings(host.port_bindings),
        publish_all=bool(host.publish_all_ports),
        dns=texts(host.dns),
        dns_options=texts(host.dns_options),
        dns_search=texts(host.dns_search),
        extra_hosts=texts(host.extra_hosts),
        links=texts(host.links),
    )


def _endpoints(
    request: CreateRequest, mode: str, mac_address: str, version: Version
) -> tuple[dict[str, EndpointSpec], tuple[str, ...]]:
    configs = (request.networking_config or NetworkingConfig()).endpoints_config or {}
    if version < _MANY_ENDPOINTS_SINCE and len(configs) > 1:
        names = ", ".join(configs)
        raise InvalidParameter(f"Container cannot be created with multiple network endpoints: {names}")
    endpoints = {"bridge" if name == "default" else name: endpoint_spec(config) for name, config in configs.items()}
    if not mac_address:
        return endpoints, ()
    main = endpoints.get(mode, EndpointSpec())
    if main.mac_address not in ("", mac_address):
        raise InvalidParameter(
            "the container-wide MAC address must match the endpoint-specific MAC address for the main network, "
            "or be left empty"
        )
    endpoints[mode] = replace(main, mac_address=mac_address)
    if version < _MANY_ENDPOINTS_SINCE:
        return endpoints, ()
    return endpoints, (
        "Container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.",
    )


def _security(host: HostConfig) -> Security:
    check_security_options(texts(host.security_opt))
    return Security(
        privileged=bool(host.privileged),
        cap_add=normalize("CapAdd", host.cap_add),
        cap_drop=normalize("CapDrop", host.cap_drop),
        security_opt=texts(host.security_opt),
        group_add=texts(host.group_add),
        read_only_root=bool(host.readonly_rootfs),
        masked_paths=None if host.masked_paths is None else tuple(host.masked_paths),
        read_only_paths=None if host.readonly_paths is None else tuple(host.readonly_paths),
        sysctls=text_map(host.sysctls),
    )


def _mounts(host: HostConfig) -> tuple[MountSpec, ...]:
    mounts = parse_binds(host.binds) + parse_mounts(host.mounts) + parse_tmpfs(host.tmpfs)
    check_duplicates(mounts)
    return mounts


def _volumes(request: CreateRequest) -> tuple[str, ...]:
    parse_binds(request.volumes or {})
    for path in request.volumes or {}:
        if ":" in path:
            raise InvalidParameter(f"invalid volume specification: '{path}'")
    return tuple(request.volumes or {})


def restart_policy(config: RestartPolicyConfig | None, *, auto_remove: bool) -> RestartPolicy:
    """Return the policy; raises InvalidParameter in Docker's words."""
    policy = config or RestartPolicyConfig()
    name, count = policy.name or "", policy.maximum_retry_count or 0
    if name not in ("", *_POLICIES):
        raise InvalidParameter(
            f"invalid restart policy: unknown policy '{name}'; "
            "use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
        )
    if name == "on-failure" and count < 0:
        raise InvalidParameter("invalid restart policy: maximum retry count cannot be negative")
    if name not in ("", "on-failure") and count:
        below = " and cannot be negative" if count < 0 else ""
        raise InvalidParameter(f"invalid restart policy: maximum retry count can only be used with 'on-failure'{below}")
    if auto_remove and name not in ("", "no"):
        raise InvalidParameter("can't create 'AutoRemove' container with restart policy")
    return RestartPolicy(name=name or "no", maximum_retry_count=count if name else 0)


def _shm_size(host: HostConfig) -> int:
    """Return the bytes wanted, 0 for the engine's default."""
    size = host.shm_size or 0
    if size < 0:
        raise InvalidParameter("SHM size can not be less than 0")
    return size
