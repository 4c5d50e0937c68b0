"""Runs inside the small internet: a name server, a web server and a UDP echo, on every address. No imports but the
standard library's; started by `rig.internet` with the zone as JSON on the command line."""

from __future__ import annotations

import ipaddress
import json
import signal
import socket
import socketserver
import struct
import sys
from threading import Thread

_TYPES = {1: "A", 28: "AAAA", 16: "TXT", 12: "PTR"}
ZONE: dict[str, dict[str, list[str]]] = json.loads(sys.argv[1])


def _labels(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


def _record_data(kind: str, value: str) -> bytes:
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "PTR":
        return _labels(value)
    return b"".join(
        bytes([len(value[at : at + 255])]) + value[at : at + 255].encode() for at in range(0, len(value), 255)
    )


def answer(query: bytes, limit: int) -> bytes:
    """The reply to one query (RFC 1035): NXDOMAIN for names outside the zone, truncated beyond `limit` octets."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    (kind,) = struct.unpack_from(">H", query, at + 1)
    question = query[12 : at + 5]
    name = ".".join(labels).lower()
    values = ZONE.get(name, {}).get(_TYPES.get(kind, ""), [])
    data = [_record_data(_TYPES[kind], value) for value in values]
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(one)) + one for one in data)
    flags, count = 0x8580 | (0 if name in ZONE else 3), len(data)
    if 12 + len(question) + len(body) > limit:
        flags, count, body = flags | 0x0200, 0, b""
    return query[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + question + body


class NameDatagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        sock.sendto(answer(data, 512), self.client_address)


class NameStream(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while len(head := self.rfile.read(2)) == 2:
            reply = answer(self.rfile.read(struct.unpack(">H", head)[0]), 65535)
            self.wfile.write(struct.pack(">H", len(reply)) + reply)


class Web(socketserver.StreamRequestHandler):
    """Answers every request with the client's address as it arrived here."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        body = str(self.client_address[0]).removeprefix("::ffff:").encode()
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        sock.sendto(data, self.client_address)


class _Tcp(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True


class _Udp(socketserver.ThreadingUDPServer):
    address_family = socket.AF_INET
    daemon_threads = True


def main() -> None:
    """Serve for ever; prints `ready` once every socket is open."""
    # One socket an address: a reply must come from the address that was asked.
    servers: list[socketserver.BaseServer] = [_Tcp(("::", 53), NameStream), _Tcp(("::", 80), Web)]
    for address in json.loads(sys.argv[2]):
        server = type("Udp", (_Udp,), {"address_family": socket.AF_INET6 if ":" in address else socket.AF_INET})
        servers += [server((address, 53), NameDatagram), server((address, 7), Echo)]
    for one in servers:
        Thread(target=one.serve_forever, daemon=True).start()
    print("ready", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
