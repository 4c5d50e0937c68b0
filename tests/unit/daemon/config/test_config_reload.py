"""What a SIGHUP takes over and what waits for a restart; and what of it all the engine is told."""

from ipaddress import ip_address, ip_interface, ip_network

from weft.daemon.config.daemon_config import DaemonConfig
from weft.daemon.config.reload import reloadable
from weft.daemon.settings import settings_of
from weft.engine.settings import DefaultBridge
from weft.model.container import LogConfig


def test_what_can_be_reloaded_is_and_the_rest_is_named() -> None:
    old = DaemonConfig(labels=("a=1",), mtu=1400)
    new = DaemonConfig(
        labels=("a=2",),
        debug=True,
        registry_mirrors=("https://m",),
        insecure_registries=("r:5000",),
        mtu=1500,
        bip=ip_interface("10.0.0.1/24"),
        log=LogConfig(driver="local"),
        without_effect=(("live-restore", "why"),),
    )
    changes = reloadable(old, new)
    assert set(changes.taken) == {"labels", "debug", "registry-mirrors", "insecure-registries"}
    assert set(changes.left) == {"mtu", "bip", "log-driver, log-opts"}
    assert changes.config.labels == ("a=2",)
    assert changes.config.debug
    assert changes.config.mtu == 1400
    assert changes.config.bip is None
    assert changes.config.without_effect == (("live-restore", "why"),)


def test_nothing_changed_is_nothing() -> None:
    config = DaemonConfig()
    changes = reloadable(config, DaemonConfig())
    assert (changes.taken, changes.left, changes.config) == ((), (), config)


def test_the_engine_is_told_what_concerns_it() -> None:
    config = DaemonConfig(
        data_root="/d",
        exec_root="/e",
        bridge="br9",
        bip=ip_interface("10.0.0.1/24"),
        fixed_cidr=ip_network("10.0.0.0/25"),
        default_gateway=ip_address("10.0.0.2"),
        icc=False,
        ip_masq=False,
        ip_forward=False,
        mtu=1400,
        ip=ip_address("127.0.0.1"),
        dns=(ip_address("1.1.1.1"),),
        default_address_pools=((ip_network("10.0.0.0/8"), 24),),
    )
    settings = settings_of(config, "host")
    assert settings.default_bridge == DefaultBridge(
        device="br9",
        bip=config.bip,
        fixed_cidr=config.fixed_cidr,
        gateway=config.default_gateway,
        icc=False,
        masquerade=False,
    )
    assert (settings.data_root, settings.exec_root, settings.host_id) == ("/d", "/e", "host")
    assert (settings.mtu, settings.ip_forward, settings.dns) == (1400, False, ("1.1.1.1",))
    assert settings.host_binding == config.ip
    assert settings.address_pools == config.default_address_pools
