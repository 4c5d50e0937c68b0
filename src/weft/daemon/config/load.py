"""From the command line and the file to the configuration, or to a text to print."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft import __version__
from weft.daemon.config import check
from weft.daemon.config.daemon_config import DaemonConfig
from weft.daemon.config.file import read_keys, refuse_conflicts
from weft.daemon.config.flags import Flags, parse_flags
from weft.daemon.config.host import Host, UnixHost, parse_host
from weft.daemon.config.option import Effect
from weft.daemon.config.options import BY_KEY, DEFAULT_CONFIG_FILE, DEFAULT_HOST, OPTIONS
from weft.daemon.config.value import from_flag, from_json
from weft.model.errors import InvalidParameter

BUILD = "source"
_PIDFILE = "weft.pid"
ReadFile = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Notice:
    """A text for stdout, after which the command ends with status 0."""

    text: str


def parse(arguments: Sequence[str], read_file: ReadFile) -> DaemonConfig | Notice:
    """Return the configuration, or what --help, --version or --validate print.

    `arguments` are those after the command's name; `read_file` returns a file's bytes or raises OSError. Raises
    InvalidParameter with dockerd's texts.
    """
    flags = parse_flags(arguments)
    if flags.help:
        return Notice(flags.help)
    if flags.version:
        return Notice(f"Weft version {__version__}, build {BUILD}\n")
    config = load(flags, read_file)
    return Notice("configuration OK\n") if flags.validate else config


def load(flags: Flags, read_file: ReadFile) -> DaemonConfig:
    """Return the configuration; raises InvalidParameter."""
    path = flags.config_file or DEFAULT_CONFIG_FILE
    try:
        keys = _read(path, read_file, required=flags.config_file is not None)
        refuse_conflicts(keys, flags.values)
        given = {key: from_json(BY_KEY[key], value) for key, value in keys.items()}
    except InvalidParameter as error:
        raise InvalidParameter(f"unable to configure the Docker daemon with file {path}: {error.message}") from None
    given |= {key: from_flag(BY_KEY[key], texts) for key, texts in flags.values.items()}
    return _checked(given, path)


def _read(path: str, read_file: ReadFile, *, required: bool) -> dict[str, Any]:
    try:
        return read_keys(read_file(path))
    except FileNotFoundError:
        if required:
            raise InvalidParameter(f"open {path}: no such file or directory") from None
        return {}
    except OSError as error:
        raise InvalidParameter(f"open {path}: {(error.strerror or str(error)).lower()}") from None


def _checked(given: Mapping[str, Any], path: str) -> DaemonConfig:
    """Return the configuration of these values and the defaults of all others."""
    check.refuse_unsupported(given)
    values: dict[str, Any] = {o.key: o.default for o in OPTIONS if o.effect is Effect.SUPPORTED}
    # An empty text means none was given, as dockerd has it.
    values |= {key: value for key, value in given.items() if key in values and value not in ("", None)}
    check.check_daemon({**given, **values})
    check.check_network(values)
    check.check_registries(values)
    tls = bool(values["tls"] or values["tlsverify"])
    hosts = _hosts(values.pop("hosts"), tls=tls)
    check.check_hosts(hosts, tlsverify=bool(values["tlsverify"]))
    values |= {
        "tls": tls,
        "labels": check.labels_of(values["labels"]),
        "log-level": check.LOG_LEVELS[str(values["log-level"]).lower()],
        "default-ulimits": check.ulimits_of(values["default-ulimits"]),
        "log": check.log_of(values.pop("log-driver"), values.pop("log-opts")),
        "pidfile": values["pidfile"] or os.path.join(values["exec-root"], _PIDFILE),
    }
    for key in ("tlscacert", "tlscert", "tlskey"):
        values[key] = os.path.expanduser(values[key])
    if values["ip"] is not None and values["ip"].is_unspecified:
        values["ip"] = None
    fields = {key.replace("-", "_"): value for key, value in values.items()}
    return DaemonConfig(
        config_file=path,
        hosts=hosts,
        group_given=bool(given.get("group")),
        without_effect=check.without_effect(given),
        **fields,
    )


def _hosts(texts: Sequence[str], *, tls: bool) -> tuple[Host, ...]:
    """Return each host once."""
    if not any(texts):
        return (UnixHost(DEFAULT_HOST.removeprefix("unix://")),)
    return tuple(dict.fromkeys(parse_host(text, tls=tls) for text in texts if text))
