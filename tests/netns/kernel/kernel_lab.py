"""A throw-away host: a thread in its own network and mount namespace, which go when it ends."""

import asyncio
import json
import subprocess
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from weft.kernel import libc
from weft.kernel.host import HostKernel
from weft.plan.operations import HOST, Operation
from weft.plan.plan import Plan

_NEW_MOUNTS = 0x20000
_PRIVATE = 1 << 18


class Lab:
    """Runs everything in the throw-away host's thread; `kernel` is the room under test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kernel = HostKernel(root)
        self._loop = asyncio.new_event_loop()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._live, name="lab")

    def open(self) -> None:
        self._thread.start()
        try:
            self._ready.result()
            self.run(self.kernel.open())
        except BaseException:
            self.close()
            raise

    def restart(self) -> None:
        """Go on with a new kernel room, as after a restart of the daemon."""
        self.run(self.kernel.close())
        self.kernel = HostKernel(self.root)
        self.run(self.kernel.open())

    def close(self) -> None:
        if self._loop.is_running():
            self.run(self.kernel.close())
            self.run(self._loop.shutdown_asyncgens())
            self.run(self._loop.shutdown_default_executor())
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def call(self, function: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return function()

        return self.run(run())

    def apply(self, *operations: Operation) -> None:
        self.run(self.kernel.apply(Plan(operations)))

    def teardown(self, *operations: Operation) -> None:
        self.run(self.kernel.teardown(Plan(operations)))

    def command(self, *words: str, sandbox: str = HOST) -> str:
        """Run a program in the throw-away host or in a sandbox of it; return its standard output."""
        entry = ("nsenter", f"--net={self.kernel.sandbox_path(sandbox)}") if sandbox else ()
        result = self.call(lambda: subprocess.run([*entry, *words], capture_output=True, text=True, check=False))
        assert result.returncode == 0, f"{words}: {result.stderr}"
        return str(result.stdout)

    def ip(self, *words: str, sandbox: str = HOST) -> list[dict[str, Any]]:
        output = self.command("ip", "-j", "-d", *words, sandbox=sandbox)
        return [entry for entry in json.loads(output or "[]") if entry]

    def links(self, sandbox: str = HOST) -> dict[str, dict[str, Any]]:
        return {link["ifname"]: link for link in self.ip("addr", "show", sandbox=sandbox)}

    def addresses(self, link: str, sandbox: str = HOST) -> set[str]:
        found = self.links(sandbox)[link]["addr_info"]
        return {f"{entry['local']}/{entry['prefixlen']}" for entry in found if entry["scope"] != "link"}

    def nft(self, *words: str, sandbox: str = HOST) -> list[dict[str, Any]]:
        return list(json.loads(self.command("nft", "-j", *words, sandbox=sandbox))["nftables"][1:])

    def tables(self, sandbox: str = HOST) -> set[str]:
        return {entry["table"]["name"] for entry in self.nft("list", "tables", sandbox=sandbox)}

    def elements(self, table: str, name: str, sandbox: str = HOST) -> list[Any]:
        listed = self.nft("list", "set" if name.startswith("s") else "map", "inet", table, name, sandbox=sandbox)
        shape = listed[0].get("map") or listed[0]["set"]
        return list(shape.get("elem", []))

    def sysctl(self, path: str, sandbox: str = HOST) -> str:
        return self.command("cat", f"/proc/sys/{path}", sandbox=sandbox).strip()

    def _live(self) -> None:
        try:
            libc.unshare(libc.NEW_NETWORK | _NEW_MOUNTS)
            libc.mount("none", "/", libc.REC | _PRIVATE)
            asyncio.set_event_loop(self._loop)
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        except BaseException as error:  # noqa: BLE001 - the starting thread raises it
            self._ready.set_exception(error)
            return
        self._loop.call_soon(self._ready.set_result, None)
        self._loop.run_forever()
