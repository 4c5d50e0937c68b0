"""What single values do not show: options that exclude each other, names that must exist, addresses open to others."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from weft.api.wire.host_config import LogConfigConfig, UlimitConfig
from weft.api.wire.limits import ulimits as limits_of
from weft.api.wire.log_config import log_config
from weft.daemon.config.host import Host, TcpHost
from weft.daemon.config.option import Effect, Option
from weft.daemon.config.options import OPTIONS
from weft.model.address import Address
from weft.model.container import LogConfig, Ulimit
from weft.model.errors import InvalidParameter, WeftError
from weft.runtime.images.endpoint import Endpoints

LOG_LEVELS = {"panic": "fatal", "fatal": "fatal", "error": "error", "warn": "warn", "info": "info", "debug": "debug",
              "trace": "debug"}  # fmt: skip
_LOG_FORMATS = ("text", "json")
_SMALLEST_MTU, _LARGEST_MTU = 68, 65535  # RFC 791; what a veth takes
_DOMAIN = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?")
_BRIDGE = re.compile(r"[^\s/:]{1,15}")  # what the kernel takes as a link's name


def refuse_unsupported(given: Mapping[str, Any]) -> None:
    """Raise InvalidParameter, naming the option, its reason and the remedy, for what Weft would not do."""
    for option in OPTIONS:
        if option.effect is Effect.REFUSED and option.key in given and not _is_harmless(option, given[option.key]):
            if option.reason.startswith("DEPRECATED"):
                raise InvalidParameter(option.reason)
            raise InvalidParameter(f"{option.key} is not supported with {_shown(given[option.key])}: {option.reason}")


def without_effect(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return (key, reason) of the options given that make no difference."""
    return tuple((o.key, o.reason) for o in OPTIONS if o.effect is Effect.NONE and o.key in given)


def check_daemon(given: Mapping[str, Any]) -> None:
    """Raise InvalidParameter for logging options, labels and numbers out of bounds."""
    if str(given["log-level"]).lower() not in LOG_LEVELS:
        raise InvalidParameter(f"invalid logging level: {given['log-level']}")
    if given["log-format"] not in _LOG_FORMATS:
        raise InvalidParameter(f"invalid log format: {given['log-format']}")
    for key in ("max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts"):
        if given.get(key, 0) < 0:
            raise InvalidParameter(f"invalid {key.replace('-', ' ')}: {given[key]}")
    if given["default-ipc-mode"] not in ("private", "shareable"):
        mode = given["default-ipc-mode"]
        raise InvalidParameter(f'IPC mode "{mode}" is not supported as default value: use private or shareable')
    if given["default-cgroupns-mode"] not in ("", "host", "private"):
        raise InvalidParameter(f"invalid default cgroup namespace: {given['default-cgroupns-mode']}")
    for key in ("cpu-rt-period", "cpu-rt-runtime"):
        if given[key] < 0:
            raise InvalidParameter(f"invalid {key}: {given[key]}: it is a number of microseconds")
    if given["default-shm-size"] <= 0:
        raise InvalidParameter("default-shm-size: SHM size can not be less than 0")


def labels_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Return each label once; raises InvalidParameter for one without a value, or with two."""
    found: dict[str, str] = {}
    for label in labels:
        key, separator, value = label.partition("=")
        if not separator or not key:
            raise InvalidParameter(f"bad attribute format: {label}")
        if found.setdefault(key, value) != value:
            raise InvalidParameter(f"conflict labels for {key}={value} and {key}={found[key]}")
    return tuple(f"{key}={value}" for key, value in found.items())


def check_network(given: Mapping[str, Any]) -> None:
    """Raise InvalidParameter for options of the default bridge and of names that exclude each other."""
    if given["bridge"] and (given["bip"] or given["bip6"]):
        raise InvalidParameter("You specified -b & --bip, mutually exclusive options. Please specify only one")
    if given["bridge"] and (not _BRIDGE.fullmatch(given["bridge"]) or given["bridge"] in (".", "..")):
        raise InvalidParameter(f"bridge: {given['bridge']} cannot be the name of a link: 1 to 15 characters, no slash")
    if given["mtu"] and not _SMALLEST_MTU <= given["mtu"] <= _LARGEST_MTU:
        raise InvalidParameter(f"invalid default MTU: {given['mtu']}: {_SMALLEST_MTU} to {_LARGEST_MTU} bytes")
    for domain in given["dns-search"]:
        if domain.strip() != "." and not _DOMAIN.fullmatch(domain.strip()):
            raise InvalidParameter(f"{domain} is not a valid domain")
    if any(not option or any(c.isspace() for c in option) for option in given["dns-opts"]):
        raise InvalidParameter(f"dns-opts: {given['dns-opts']} has an option that is empty or has a blank in it")
    _check_gateways(given["host-gateway-ips"])


def _check_gateways(addresses: Sequence[Address]) -> None:
    for version in (4, 6):
        if sum(address.version == version for address in addresses) > 1:
            raise InvalidParameter(f"only one IPv{version} host gateway IP address can be specified")


def check_registries(given: Mapping[str, Any]) -> None:
    """Raise InvalidParameter for what is neither a mirror's URL nor a registry."""
    Endpoints(given["registry-mirrors"], given["insecure-registries"])


def check_hosts(hosts: Sequence[Host], *, tlsverify: bool) -> None:
    """Raise InvalidParameter for TCP that anybody who reaches it could use as root."""
    for host in hosts:
        if isinstance(host, TcpHost) and not host.is_loopback and not tlsverify:
            raise InvalidParameter(
                f"refusing to listen on {host} without --tlsverify: whoever reaches it would be root on this machine. "
                "Add --tlsverify with --tlscacert, --tlscert and --tlskey, or listen on a loopback address"
            )


def log_of(driver: str, options: Mapping[str, str]) -> LogConfig:
    """Return the containers' log settings; raises InvalidParameter for a driver or an option that there is not."""
    try:
        return log_config(LogConfigConfig(type=driver, config=dict(options)))
    except WeftError as error:
        raise InvalidParameter(f"log-driver, log-opts: {error.message}") from None


def ulimits_of(limits: Sequence[tuple[str, int, int]]) -> tuple[Ulimit, ...]:
    """Return the limits; raises InvalidParameter for a name or bounds that there are not."""
    wanted = [UlimitConfig(name=name, soft=soft, hard=hard) for name, soft, hard in limits]
    try:
        return limits_of(wanted)
    except InvalidParameter as error:
        raise InvalidParameter(f"default-ulimits: {error.message}") from None


def _is_harmless(option: Option, value: Any) -> bool:
    if value in option.harmless:
        return True
    if isinstance(value, dict):
        return not any(value.values())
    if isinstance(value, tuple):
        return all(item in option.harmless for item in value)
    if isinstance(value, bool) and True in option.harmless:
        return value
    return not value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return ", ".join(value) if isinstance(value, dict) else f"{value}"
