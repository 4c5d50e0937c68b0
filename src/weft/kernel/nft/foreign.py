"""Tables of other programs on the way of forwarded packets, as far as this host's kernel and programs show them."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weft.engine.contract.kernel import ForeignListing
from weft.firewall.iptables import completed, has_extensions, legacy_listing
from weft.kernel.nft.context import Context, NftError
from weft.kernel.nft.tables import OwnTables

_LARGEST = 8 << 20  # characters of one table's listing; more would keep the daemon busy for a second
_TIMEOUT = 5.0  # seconds that a program may take
_LEGACY = {
    "ip": (Path("/proc/net/ip_tables_names"), "iptables-legacy-save"),
    "ip6": (Path("/proc/net/ip6_tables_names"), "ip6tables-legacy-save"),
}
_NFT_SAVE = {"ip": "iptables-nft-save", "ip6": "ip6tables-nft-save"}


def list_foreign(own: OwnTables) -> ForeignListing:
    """Return the tables with a filter chain that packets to containers, and to weft-relay, pass, ours left out.

    Blocks. Raises OSError.
    """
    context = Context(json=True)
    entries: list[Mapping[str, Any]] = []
    unseen: list[str] = []
    try:
        for family, table in _tables(context, own):
            try:
                text = context.run(f"list table {family} {table}")
            except NftError:
                continue  # gone meanwhile
            if len(text) > _LARGEST:
                unseen.append(f"nftables table {family} {table} has too many rules to be looked through")
            else:
                entries += _entries(text)
    finally:
        context.close()
    for family in _LEGACY:
        if has_extensions(entries, family):
            entries = _with_extensions(family, entries, unseen)
        _take_legacy(family, entries, unseen)
    return ForeignListing(tuple(entries), tuple(unseen))


def _tables(context: Context, own: OwnTables) -> list[tuple[str, str]]:
    """Return (family, name) of the tables with such a chain."""
    found: dict[tuple[str, str], None] = {}
    for entry in _entries(context.run("list chains")):
        chain = entry.get("chain")
        if chain is None or chain.get("hook") not in ("forward", "input") or chain.get("type") != "filter":
            continue
        family, table = str(chain.get("family")), str(chain.get("table"))
        if family in ("ip", "ip6", "inet") and not (family == "inet" and own.is_own(table)):
            found[family, table] = None
    return list(found)


def _entries(text: str) -> list[Mapping[str, Any]]:
    if not text.strip():
        return []
    try:
        listed = json.loads(text).get("nftables", [])
    except ValueError:
        return []
    return [entry for entry in listed if isinstance(entry, dict)]


def _with_extensions(family: str, entries: list[Mapping[str, Any]], unseen: list[str]) -> list[Mapping[str, Any]]:
    program = _NFT_SAVE[family]
    path = shutil.which(program)
    if path is None:
        unseen.append(f"what rules of table {family} filter ask in full only {program} shows: install iptables")
        return entries
    try:
        return completed(entries, _saved(path), family)
    except (OSError, subprocess.SubprocessError) as error:
        unseen.append(f"rules of table {family} filter could not be read in full: {error}")
        return entries


def _saved(program: str) -> str:
    return subprocess.run(
        [program, "-t", "filter"], capture_output=True, text=True, timeout=_TIMEOUT, check=True
    ).stdout


def _take_legacy(family: str, entries: list[Mapping[str, Any]], unseen: list[str]) -> None:
    names, program = _LEGACY[family]
    try:
        if "filter" not in names.read_text().split():
            return
    except OSError:
        return  # the kernel has no such tables
    path = shutil.which(program)
    if path is None:
        unseen.append(
            f"the kernel has rules of iptables-legacy ({family}), which only {program} shows: install iptables"
        )
        return
    try:
        text = _saved(path)
    except (OSError, subprocess.SubprocessError) as error:
        unseen.append(f"rules of iptables-legacy ({family}) could not be read: {error}")
        return
    entries += legacy_listing(text, family)
