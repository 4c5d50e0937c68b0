"""--network in its short form (a name) and its long one (name=…,alias=…,ip=…)."""

import re

from weft.cli.flags.pairs import fields

_LONG = re.compile(r"\w+=\w+(,\w+=\w+)*")
_PREDEFINED = ("default", "bridge", "host", "none")
_LISTS = {"alias": "aliases", "link-local-ip": "link_local_ips"}
_TEXTS = {"name": "target", "ip": "ipv4", "ip6": "ipv6", "mac-address": "mac_address"}


class Attachment:
    """What one --network asks for."""

    __slots__ = (
        "aliases",
        "driver_options",
        "gateway_priority",
        "ipv4",
        "ipv6",
        "link_local_ips",
        "links",
        "mac_address",
        "target",
    )

    def __init__(self, target: str = "") -> None:
        self.target = target
        self.aliases: list[str] = []
        self.links: list[str] = []
        self.ipv4 = ""
        self.ipv6 = ""
        self.link_local_ips: list[str] = []
        self.mac_address = ""
        self.driver_options: dict[str, str] = {}
        self.gateway_priority = 0

    @property
    def user_defined(self) -> bool:
        """Whether it is neither a predefined network nor another container's."""
        return self.target not in _PREDEFINED and not self.target.startswith("container:")

    def settings(self) -> dict[str, object]:
        """Return the API's EndpointSettings, only what was asked for."""
        addresses = {"IPv4Address": self.ipv4, "IPv6Address": self.ipv6, "LinkLocalIPs": self.link_local_ips}
        document: dict[str, object] = {
            "IPAMConfig": {key: value for key, value in addresses.items() if value},
            "Links": self.links,
            "Aliases": self.aliases,
            "MacAddress": self.mac_address,
            "DriverOpts": self.driver_options,
            "GwPriority": self.gateway_priority,
        }
        return {key: value for key, value in document.items() if value}


def parse_network(value: str) -> Attachment:
    """Return what `value` asks for; raises ValueError with docker's texts."""
    if not _LONG.search(value):
        return Attachment(value)
    attachment = Attachment()
    for field in fields(value):
        key, equals, setting = field.lower().partition("=")
        if not equals or not key:
            raise ValueError(f"invalid field {field}")
        _apply(attachment, key.strip(), setting.strip())
    if not attachment.target:
        raise ValueError("network name/id is not specified")
    return attachment


def _apply(attachment: Attachment, key: str, value: str) -> None:
    if key in _TEXTS:
        setattr(attachment, _TEXTS[key], value)
    elif key in _LISTS:
        getattr(attachment, _LISTS[key]).append(value)
    elif key == "driver-opt":
        option, equals, setting = value.partition("=")
        if not equals or not option:
            raise ValueError("invalid key value pair format in driver options")
        attachment.driver_options[option.strip()] = setting.strip()
    elif key == "gw-priority":
        try:
            attachment.gateway_priority = int(value)
        except ValueError:
            raise ValueError(f"invalid gw-priority ({value}): invalid syntax") from None
    else:
        raise ValueError(f"invalid field key {key}")
