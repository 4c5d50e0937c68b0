"""The part of the configuration that the engine works with."""

from weft.daemon.config.daemon_config import DaemonConfig
from weft.engine.settings import DefaultBridge, Settings


def engine_settings(config: DaemonConfig, host_id: str) -> Settings:
    """Return the engine's settings; `host_id` is what this machine is told apart by."""
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
        host_binding=config.ip,
        host_gateways=config.host_gateway_ips,
        dns=tuple(map(str, config.dns)),
        dns_options=config.dns_opts,
        dns_search=config.dns_search,
        ulimits=config.default_ulimits,
        shm_size=config.default_shm_size,
        log=config.log,
    )
