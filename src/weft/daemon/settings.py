"""From the daemon's configuration to the engine's settings."""

import os
import secrets
from pathlib import Path

from weft.daemon.config.daemon_config import DaemonConfig
from weft.engine.settings import DefaultBridge, Settings
from weft.model.errors import SystemFailure

_ID_FILE = "engine-id"
_LINK_VARIABLES = "DOCKER_KEEP_DEPRECATED_LEGACY_LINKS_ENV_VARS"  # as dockerd 28 and later have it


def settings_of(config: DaemonConfig, host_id: str) -> Settings:
    """Return what the configuration means to the engine."""
    return Settings(
        data_root=config.data_root,
        exec_root=config.exec_root,
        host_id=host_id,
        default_bridge=DefaultBridge(
            device=config.bridge,
            bip=config.bip,
            bip6=config.bip6,
            fixed_cidr=config.fixed_cidr,
            fixed_cidr_v6=config.fixed_cidr_v6,
            gateway=config.default_gateway,
            gateway_v6=config.default_gateway_v6,
            ipv6=config.ipv6,
            icc=config.icc,
            masquerade=config.ip_masq,
        ),
        address_pools=config.default_address_pools,
        network_options=config.default_network_opts,
        mtu=config.mtu,
        ip_forward=config.ip_forward,
        publish=config.weft_publish,
        accepted_mark=config.bridge_accept_fwmark,
        host_binding=config.ip,
        host_gateways=config.host_gateway_ips,
        dns=tuple(str(address) for address in config.dns),
        dns_options=config.dns_opts,
        dns_search=config.dns_search,
        ulimits=config.default_ulimits,
        shm_size=config.default_shm_size,
        ipc_mode=config.default_ipc_mode,
        cgroupns_mode=config.default_cgroupns_mode,
        log=config.log,
        link_variables=os.environ.get(_LINK_VARIABLES) == "1",
    )


def persistent_id(data_root: Path) -> str:
    """Return the engine's id, made at its first start: it stays the same, and so do IPv6 prefixes derived from it."""
    path = data_root / _ID_FILE
    try:
        if path.exists():
            return path.read_text().strip()
        made = secrets.token_hex(16)
        identity = f"{made[:8]}-{made[8:12]}-{made[12:16]}-{made[16:20]}-{made[20:]}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(identity + "\n")
    except OSError as error:
        raise SystemFailure(f"cannot keep the engine's id in {path}: {error}") from error
    return identity
