"""What a daemon may ask of weft-dns: to take over sandboxes, zones and views, and to give them up."""

import socket
from typing import Any

from weft.dns.protocol import DESCRIPTORS_AN_OPEN, unpack_view
from weft.dns.server import Server
from weft.dns.session import Descriptors, unknown
from weft.dns.zone import Endpoint, endpoint


class Verbs:
    """Performs requests on a server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __call__(self, verb: str, arguments: list[Any], descriptors: Descriptors) -> object:
        """Return the result as JSON values; the errors are those of the server, BadFrame for what is no request."""
        match verb, arguments:
            case "sandboxes", []:
                return self._server.held()
            case "open", [str(ident), str(namespace), view]:
                self._open(ident, namespace, view, descriptors)
            case "update", [str(ident), view]:
                self._server.update(ident, unpack_view(view))
            case "close", [str(ident)]:
                self._server.close(ident)
            case "publish", [str(network), str(ident), names, addresses]:
                self._server.directory.publish(network, ident, _endpoint(names, addresses))
            case "withdraw", [str(network), str(ident)]:
                self._server.directory.withdraw(network, ident)
            case "replace-zones", [dict(zones)]:
                self._server.directory.replace(
                    {net: {ident: _endpoint(*entry) for ident, entry in held.items()} for net, held in zones.items()}
                )
            case _:
                raise unknown(verb, arguments)
        return None

    def _open(self, ident: str, namespace: str, view: Any, descriptors: Descriptors) -> None:
        udp, tcp = descriptors.take(DESCRIPTORS_AN_OPEN)
        try:
            self._server.open(ident, udp, tcp, namespace, unpack_view(view))
        except (OSError, ValueError):
            udp.close()
            tcp.close()
            raise


def _endpoint(names: list[str], addresses: list[str]) -> Endpoint:
    return endpoint(names, [_packed(address) for address in addresses])


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
