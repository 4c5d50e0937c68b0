#!/usr/bin/env python3
"""An IPAM driver: addresses one after the other, none twice until all were given; its state is a JSON file.

python3 sequential.py /var/lib/sequential.json &
docker network create --ipam-driver sequential --ipam-opt base=10.99.0.0/16 inventory
"""

import json
import sys
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from weft.plugins.sdk import Address, IpamDriver, Pool, serve

_BASE = "10.99.0.0/16"


class Sequential(IpamDriver):
    """State: pool -> {"next": number, "taken": [address …]}."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pools: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}

    def save(self) -> None:
        """Write the state whole: a crash leaves the old one or the new one."""
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.pools))
        new.replace(self.path)

    def request_pool(
        self, pool: str, sub_pool: str, options: Mapping[str, str], ipv6: bool, address_space: str
    ) -> Pool:
        if ipv6:
            raise ValueError("sequential has IPv4 only")
        subnets = [ip_network(pool)] if pool else ip_network(options.get("base", _BASE)).subnets(new_prefix=24)
        taken = [ip_network(each) for each in self.pools]
        free = next((each for each in subnets if not any(each.overlaps(other) for other in taken)), None)
        if free is None:
            raise ValueError(f"{pool or 'every pool'} is taken")
        self.pools[str(free)] = {"next": 1, "taken": []}
        self.save()
        return Pool(id=str(free), pool=str(free))

    def release_pool(self, pool_id: str) -> None:
        self.pools.pop(pool_id, None)
        self.save()

    def request_address(self, request: Address) -> str:
        subnet, state = ip_network(request.pool_id), self.pools[request.pool_id]
        usable = subnet.num_addresses - 2
        if request.wanted:
            number = int(ip_address(request.wanted)) - int(subnet.network_address)
        else:
            turns = ((state["next"] - 1 + step) % usable + 1 for step in range(usable))
            number = next((each for each in turns if str(subnet[each]) not in state["taken"]), 0)
            if not number:
                raise ValueError(f"no address is left in {subnet}")
            state["next"] = number + 1
        address = str(subnet[number])
        if address in state["taken"]:
            raise ValueError(f"{address} is taken")
        state["taken"].append(address)
        self.save()
        return f"{address}/{subnet.prefixlen}"

    def release_address(self, pool_id: str, address: str) -> None:
        if address in self.pools.get(pool_id, {}).get("taken", ()):
            self.pools[pool_id]["taken"].remove(address)
            self.save()


if __name__ == "__main__":
    serve(Sequential(Path(sys.argv[1])), name="sequential", socket=sys.argv[2] if len(sys.argv) > 2 else "")
