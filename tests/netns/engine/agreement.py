"""Whether the engine's records and the kernel say the same, in every respect that can be looked at from outside."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any

from rig.engine import Engine
from rig.eventually import eventually
from rig.inside import Inside
from rig.leftovers import roots

Json = dict[str, Any]
_PREDEFINED = ("bridge", "host", "none")


def agree(engine: Engine) -> None:
    """Raise `AssertionError` naming what differs, once it has not settled within some seconds."""
    eventually(lambda: _agrees(engine), timeout=10, pause=0.1)


def _agrees(engine: Engine) -> bool:
    found = list(disagreements(engine))
    assert not found, "\n".join(found)
    return True


def disagreements(engine: Engine) -> Iterator[str]:
    """What differs between the API's answers and the host."""
    networks = [one for one in engine.api.need("GET", "/networks") if one["Driver"] == "bridge"]
    boxes = [
        engine.api.need("GET", f"/containers/{one['Id']}/json")
        for one in engine.api.need("GET", "/containers/json?all=1")
    ]
    running = [box for box in boxes if box["State"]["Status"] in ("running", "paused")]
    yield from _links(engine, networks, running)
    yield from _firewall(engine, networks, running)
    yield from _traces_of_runs(engine, boxes, running)
    for box in running:
        yield from _sandbox(engine, networks, box)
    yield from _names(engine, running)


def _differ(what: str, found: object, recorded: object) -> Iterator[str]:
    if found != recorded:
        yield f"{what}: the host has {found}, the records say {recorded}"


def bridge_of(network: Json) -> str:
    """The name of a network's bridge."""
    return str(network["Options"].get("com.docker.network.bridge.name", f"br-{network['Id'][:12]}"))


def _links(engine: Engine, networks: list[Json], running: list[Json]) -> Iterator[str]:
    """Bridges with their addresses, and veth ends with their masters."""
    links = json.loads(engine.host.output("ip", "-j", "-d", "addr"))
    held = {
        link["ifname"]: sorted(f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if not _automatic(one))
        for link in links
        if _kind(link) == "bridge"
    }
    recorded = {
        bridge_of(network): sorted(
            f"{pool['Gateway'].split('/')[0]}/{ip_network(pool['Subnet']).prefixlen}"
            for pool in network["IPAM"]["Config"]
            if pool.get("Gateway")
        )
        for network in networks
    }
    yield from _differ("bridges", held, recorded)
    bridges = {network["Id"]: bridge_of(network) for network in networks}
    ports = {link["ifname"]: link.get("master") for link in links if _kind(link) == "veth" and _is_ours(link)}
    plugged = {
        f"veth{endpoint['EndpointID'][:11]}": bridges[endpoint["NetworkID"]]
        for box in running
        for endpoint in _bridged(box, bridges)
    }
    yield from _differ("veth", ports, plugged)


def _automatic(address: Json) -> bool:
    return address["scope"] == "link" and address["family"] == "inet6"


def _kind(link: Json) -> str:
    return str(link.get("linkinfo", {}).get("info_kind", ""))


def _is_ours(link: Json) -> bool:
    return str(link["ifname"]).startswith("veth")


def _bridged(box: Json, bridges: dict[str, str]) -> list[Json]:
    if not _has_own_sandbox(box):
        return []
    return [one for one in box["NetworkSettings"]["Networks"].values() if one["NetworkID"] in bridges]


def _has_own_sandbox(box: Json) -> bool:
    mode = box["HostConfig"]["NetworkMode"]
    return mode != "host" and not mode.startswith("container:")


def _firewall(engine: Engine, networks: list[Json], running: list[Json]) -> Iterator[str]:
    """The sets of bridges and subnets, and the maps of published ports."""
    listed = json.loads(engine.host.output("nft", "-j", "list", "table", "inet", "weft"))["nftables"]
    elements: dict[str, list[Any]] = {}
    for entry in listed:
        for kind in ("set", "map"):
            if kind in entry and "elem" in entry[kind]:
                elements[entry[kind]["name"]] = entry[kind]["elem"]
    yield from _differ("firewall's bridges", sorted(elements.get("bridges", ())), sorted(map(bridge_of, networks)))
    homes = sorted(_home(one) for name in ("home4", "home6") for one in elements.get(name, ()))
    subnets = sorted((pool["Subnet"], bridge_of(network)) for network in networks for pool in network["IPAM"]["Config"])
    yield from _differ("firewall's subnets", homes, subnets)
    yield from _differ("published ports", sorted(_in_maps(elements)), sorted(_published(running)))


def _home(element: Json) -> tuple[str, str]:
    subnet, bridge = element["concat"]
    prefix = subnet["prefix"]
    return f"{prefix['addr']}/{prefix['len']}", bridge


Published = tuple[str, str, int, int]  # host address or family, protocol, host port, container port


def _in_maps(elements: dict[str, list[Any]]) -> Iterator[Published]:
    for family, wildcard in (("4", "0.0.0.0"), ("6", "::")):
        for key, value in elements.get(f"ports{family}", ()):
            yield wildcard, key["concat"][0], key["concat"][1], value["concat"][1]
        for key, value in elements.get(f"bound_ports{family}", ()):
            yield key["concat"][0], key["concat"][1], key["concat"][2], value["concat"][1]
    # The relay knows the container's port.
    for key in elements.get("relayed", ()):
        yield "::", *key["concat"], 0
    for key in elements.get("relayed_runs", ()):
        first, last = key["concat"][1]["range"]
        yield from (("::", key["concat"][0], port, 0) for port in range(first, last + 1))
    for key in elements.get("bound_relayed", ()):
        yield *key["concat"], 0


def _published(running: list[Json]) -> Iterator[Published]:
    for box in running:
        leads_out_by_ipv6 = any(one["IPv6Gateway"] for one in box["NetworkSettings"]["Networks"].values())
        for inner, bindings in (box["NetworkSettings"]["Ports"] or {}).items():
            port, protocol = inner.split("/")
            for binding in bindings or ():
                if ":" in binding["HostIp"] and not leads_out_by_ipv6:
                    if protocol == "tcp":
                        yield binding["HostIp"], protocol, int(binding["HostPort"]), 0
                    continue
                yield binding["HostIp"], protocol, int(binding["HostPort"]), int(port)


def _traces_of_runs(engine: Engine, boxes: list[Json], running: list[Json]) -> Iterator[str]:
    """Pinned namespaces, mounts, directories, supervisors and runtime states are those of what runs."""
    ids = {box["Id"] for box in running}
    root = engine.host.path(engine.exec_root)
    own = {box["Id"] for box in running if _has_own_sandbox(box)}
    yield from _differ("pinned namespaces", _short(_listed(root / "netns")), _short(own))
    yield from _differ("run directories", _short(_listed(root / "run")), _short(ids))
    states = {name for kind in _listed(root / "oci") for name in _listed(root / "oci" / kind)}
    yield from _differ("states of the OCI runtime", _short(states), _short(ids))
    yield from _differ("mounted roots", _short({Path(one).name for one in roots(engine)}), _short(ids))
    kept = _listed(engine.data_root / "containers")
    yield from _differ("container directories", _short(kept), _short({box["Id"] for box in boxes}))
    processes = engine.host.processes()
    supervisors = [line[line.index("--cid") + 1] for line in processes.values() if _is_supervisor(engine, line)]
    yield from _differ("supervisors", _short(supervisors), _short(ids))
    for box in running:
        if not engine.host.path(f"/proc/{box['State']['Pid']}").exists():
            yield f"{box['Name']} has no process {box['State']['Pid']}"


def _short(ids: Any) -> list[str]:
    return sorted(one[:12] for one in ids)


def _listed(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()} if directory.is_dir() else set()


def _is_supervisor(engine: Engine, line: list[str]) -> bool:
    of_ours = any(word.startswith(f"{engine.exec_root}/") for word in line)
    return of_ours and Path(line[0]).name == "conmon" and "--exec" not in line


def _sandbox(engine: Engine, networks: list[Json], box: Json) -> Iterator[str]:
    """Addresses and default routes inside a running container."""
    if not _has_own_sandbox(box):
        return
    name = box["Name"]
    inside = ("nsenter", f"--net={engine.exec_root}/netns/{box['Id']}", "ip", "-j")
    found = {
        (link["address"], f"{one['local']}/{one['prefixlen']}", link["ifname"][:3])
        for link in json.loads(engine.host.output(*inside, "addr"))
        for one in link["addr_info"]
        if link["ifname"] != "lo" and not _automatic(one)
    }
    attached = [one for key, one in box["NetworkSettings"]["Networks"].items() if key != "none"]
    recorded = {
        (one["MacAddress"], f"{one[address]}/{one[length]}", "eth")
        for one in attached
        for address, length in (("IPAddress", "IPPrefixLen"), ("GlobalIPv6Address", "GlobalIPv6PrefixLen"))
        if one[address]
    }
    yield from _differ(f"addresses of {name}", sorted(found), sorted(recorded))
    internal = {network["Id"] for network in networks if network["Internal"]}
    for family, gateway in (("-4", "Gateway"), ("-6", "IPv6Gateway")):
        routes = json.loads(engine.host.output(*inside, family, "route", "show", "default") or "[]")
        usable = {one[gateway] for one in attached if one[gateway] and one["NetworkID"] not in internal}
        through = [route.get("gateway") for route in routes]
        if len(through) != bool(usable) or not set(through) <= usable:
            yield f"default route of {name}: through {through}, and its networks have {usable}"
    same = os.stat(engine.host.path(f"/proc/{box['State']['Pid']}/ns/net")).st_ino
    pinned = os.stat(engine.host.path(engine.exec_root / "netns" / box["Id"])).st_ino
    yield from _differ(f"namespace of {name}", same, pinned)


def _names(engine: Engine, running: list[Json]) -> Iterator[str]:
    """On a user-defined network all names of each member resolve, for each member, to its addresses there."""
    for asking in running:
        shared = {key for key in asking["NetworkSettings"]["Networks"] if key not in _PREDEFINED}
        if not shared or not _has_own_sandbox(asking):
            continue
        inside = Inside(engine, asking["Id"])
        for name, addresses in _expected_names(running, shared).items():
            found = sorted(inside.addresses(name))
            # A name that is on several networks is answered from the first of them that has it.
            if found not in addresses.values():
                yield f"{name} as {asking['Name']} sees it: {found} instead of one of {addresses}"


def _expected_names(running: list[Json], shared: set[str]) -> dict[str, dict[str, list[str]]]:
    names: dict[str, dict[str, list[str]]] = {}
    for box in running:
        for key, endpoint in box["NetworkSettings"]["Networks"].items():
            if key in shared and endpoint["IPAddress"]:
                for name in {box["Name"][1:], box["Id"][:12], *(endpoint["Aliases"] or ())}:
                    found = names.setdefault(name, {}).setdefault(key, [])
                    found.append(endpoint["IPAddress"])
                    found.sort()
    return names


def addresses_are_unique(engine: Engine) -> None:
    """Raise `AssertionError` when two running containers have one address."""
    given = [
        ip_interface(endpoint["IPAddress"])
        for one in engine.api.need("GET", "/containers/json")
        for endpoint in one["NetworkSettings"]["Networks"].values()
        if endpoint["IPAddress"]
    ]
    assert len(given) == len(set(given)), given
