"""The PORTS column: 0.0.0.0:8000-8010->8000-8010/tcp, [::]:80->80/tcp, 9000/udp."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def join_host_port(host: str, port: str) -> str:
    """Return host:port, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def display(ports: Iterable[Mapping[str, object]]) -> str:
    """Return the API's port summaries in one line; ports in a row published under their own numbers are joined."""
    groups: dict[tuple[str, str], tuple[int, int]] = {}
    result: list[str] = []
    mappings: list[str] = []
    for address, private, public, protocol in sorted(map(_fields, ports), key=_order):
        if address and public != private:
            mappings.append(f"{join_host_port(address, str(public))}->{private}/{protocol}")
            continue
        key = (address, protocol)
        first, last = groups.get(key, (private, private - 1))
        if private != last + 1:
            result.append(_group(key, first, last))
            first = private
        groups[key] = (first, private)
    result += [_group(key, first, last) for key, (first, last) in groups.items()]
    return ", ".join(result + mappings)


def _fields(port: Mapping[str, object]) -> tuple[str, int, int, str]:
    private, public = port.get("PrivatePort"), port.get("PublicPort")
    address, protocol = port.get("IP"), port.get("Type")
    return (
        str(address or ""),
        private if isinstance(private, int) else 0,
        public if isinstance(public, int) else 0,
        str(protocol or ""),
    )


def _order(port: tuple[str, int, int, str]) -> tuple[int, str, int, str]:
    address, private, public, protocol = port
    return private, address, public, protocol


def _group(key: tuple[str, str], first: int, last: int) -> str:
    address, protocol = key
    numbers = str(first) if first == last else f"{first}-{last}"
    return f"{join_host_port(address, numbers)}->{numbers}/{protocol}" if address else f"{numbers}/{protocol}"
