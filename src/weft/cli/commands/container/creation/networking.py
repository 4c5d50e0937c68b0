"""--network with the flags that belong to it: --network-alias, --ip, --mac-address, --link …"""

from __future__ import annotations

from weft.cli.flags.network import Attachment
from weft.cli.flags.parser import Options
from weft.client.session import Json

_CONFLICTS = (
    ("aliases", "network-alias", "per-network alias"),
    ("links", "link", "per-network links"),
    ("ipv4", "ip", "per-network IPv4 address"),
    ("ipv6", "ip6", "per-network IPv6 address"),
    ("mac_address", "mac-address", "per-network MAC address"),
    ("link_local_ips", "link-local-ip", "per-network link-local IP addresses"),
)


def network_mode(options: Options) -> str:
    """Return the first network's name, `default` without any."""
    attachments = _attachments(options)
    return attachments[0].target if attachments else "default"


def endpoints(options: Options) -> Json:
    """Return EndpointsConfig; raises ValueError with docker's texts."""
    attachments = _attachments(options)
    chosen = bool(attachments)
    result: Json = {}
    for position, attachment in enumerate(attachments or [Attachment("default")]):
        if position == 0:
            _apply_flags(attachment, options)
        _check(attachment)
        if attachment.target in result:
            raise ValueError(f'network "{attachment.target}" is specified multiple times')
        settings = attachment.settings()
        if settings or len(attachments) > 1:
            result[attachment.target] = settings
    if chosen and len({attachment.user_defined for attachment in attachments}) > 1:
        raise ValueError("conflicting options: cannot attach both user-defined and non-user-defined network-modes")
    return result


def _attachments(options: Options) -> list[Attachment]:
    return [value for value in options.values("network") if isinstance(value, Attachment)]


def _apply_flags(attachment: Attachment, options: Options) -> None:
    for attribute, flag, described in _CONFLICTS:
        if options.changed(flag) and getattr(attachment, attribute):
            raise ValueError(f"conflicting options: cannot specify both --{flag} and {described}")
    attachment.aliases = attachment.aliases or options.texts("network-alias")
    if attachment.user_defined:
        attachment.links = attachment.links or options.texts("link")
    attachment.ipv4 = attachment.ipv4 or options.text("ip")
    attachment.ipv6 = attachment.ipv6 or options.text("ip6")
    attachment.mac_address = attachment.mac_address or options.text("mac-address").strip()
    attachment.link_local_ips = attachment.link_local_ips or options.texts("link-local-ip")


def _check(attachment: Attachment) -> None:
    if not attachment.target.strip():
        raise ValueError("no name set for network")
    if attachment.user_defined:
        return
    if attachment.aliases:
        raise ValueError("network-scoped aliases are only supported for user-defined networks")
    if attachment.links:
        raise ValueError("links are only supported for user-defined networks")
