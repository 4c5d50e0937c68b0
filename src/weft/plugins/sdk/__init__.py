"""To write a network or IPAM plugin (Docker plugin protocol v1), subclass `NetworkDriver` or `IpamDriver`; `serve` it.

    from weft.plugins.sdk import Interface, Join, NetworkDriver, serve

    class MyDriver(NetworkDriver):
        def create_network(self, network): ...
        def join(self, endpoint): return Join(source="veth0")

    serve(MyDriver(), name="my")

Standard library only; runs under weftd and dockerd alike. An exception in a method becomes the plugin's error, which
the user of `docker` reads.
"""

from weft.plugins.sdk.ipam import Address, IpamDriver, Pool
from weft.plugins.sdk.network import Endpoint, Interface, Join, Network, NetworkDriver, Route, Subnet
from weft.plugins.sdk.serving import serve

__all__ = [
    "Address",
    "Endpoint",
    "Interface",
    "IpamDriver",
    "Join",
    "Network",
    "NetworkDriver",
    "Pool",
    "Route",
    "Subnet",
    "serve",
]
