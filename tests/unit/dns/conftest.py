"""A loop in a thread, and upstream servers on loopback that behave as told."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from weft.dns.loop import Loop

T = TypeVar("T")
Behaviour = Callable[[bytes], bytes | None]


class RunningLoop:
    """A loop that runs in a thread; `call` performs something within it."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.loop = Loop(self.errors.append)
        self._calls: list[Callable[[], None]] = []
        self._reader, self._writer = socket.socketpair()
        self.loop.watch(self._reader.fileno(), self._wake)
        self._thread = threading.Thread(target=self.loop.run)
        self._thread.start()

    def call(self, what: Callable[[], T]) -> T:
        done = threading.Event()
        results: list[T] = []

        def perform() -> None:
            try:
                results.append(what())
            finally:
                done.set()

        self._calls.append(perform)
        self._writer.send(b"x")
        assert done.wait(10)
        return results[0]

    def close(self) -> None:
        self.call(self.loop.stop)
        self._thread.join()
        self._reader.close()
        self._writer.close()
        self.loop.close()

    def _wake(self, _: int) -> None:
        self._reader.recv(1)
        self._calls.pop(0)()


class FakeUpstream:
    """A DNS server on loopback, one port for UDP and TCP; a behaviour returns None for silence."""

    def __init__(self, udp: Behaviour, tcp: Behaviour | None = None) -> None:
        self.asked: list[bytes] = []
        self.asked_by_stream: list[bytes] = []
        self._behave, self._behave_tcp = udp, tcp
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self.port = self._udp.getsockname()[1]
        self._tcp = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self._threads = [threading.Thread(target=self._serve_udp), threading.Thread(target=self._serve_tcp)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self._tcp.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while True:
            packet, client = self._udp.recvfrom(65535)
            if not packet:
                return
            self.asked.append(packet)
            answer = self._behave(packet)
            if answer is not None:
                self._udp.sendto(answer, client)

    def _serve_tcp(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                size = int.from_bytes(stream.read(2), "big")
                packet = stream.read(size)
                self.asked_by_stream.append(packet)
                answer = self._behave_tcp(packet) if self._behave_tcp else None
                if answer is not None:
                    stream.write(len(answer).to_bytes(2, "big") + answer)


@pytest.fixture
def running_loop() -> Iterator[RunningLoop]:
    running = RunningLoop()
    yield running
    running.close()
    assert not running.errors


@pytest.fixture
def upstream() -> Iterator[Callable[..., FakeUpstream]]:
    made: list[FakeUpstream] = []

    def make(udp: Behaviour, tcp: Behaviour | None = None) -> FakeUpstream:
        made.append(FakeUpstream(udp, tcp))
        return made[-1]

    yield make
    for server in made:
        server.close()
