"""What a daemon may ask of weft-relay: to take over ports, and to give them up."""

from typing import Any

from weft.dns.session import Descriptors, unknown
from weft.relay.ports import Ports
from weft.relay.protocol import pack_runs, unpack, unpack_keys, unpack_runs


class Verbs:
    """Performs requests on the ports."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def __call__(self, verb: str, arguments: list[Any], descriptors: Descriptors) -> object:
        """Return the result as JSON values; the errors are those of the ports, BadFrame for what is no request."""
        match verb, arguments:
            case "ports", []:
                return [self._ports.stream_port, pack_runs(self._ports.held())]
            case "listen", []:
                self._ports.listen(*descriptors.take(1))
            case "open", [list(ports)]:
                wanted = [unpack(values) for values in ports]
                for (key, target), sock in zip(wanted, descriptors.take(len(wanted)), strict=True):
                    self._ports.open(key, target, sock)
            case "aim", [list(runs)]:
                self._ports.aim(unpack_runs(runs))
            case "close", [list(runs)]:
                self._ports.close(unpack_keys(runs))
            case _:
                raise unknown(verb, arguments)
        return None
