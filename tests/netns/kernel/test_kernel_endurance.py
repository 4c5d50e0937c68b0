"""Many plans at once, and a daemon that is killed."""

import asyncio
import signal
import subprocess
import sys
from ipaddress import ip_interface

from kernel_lab import Lab

from weft.kernel.host import HostKernel
from weft.plan.operations import AddAddress, CreateBridge, CreateSandbox, CreateVeth, LoadTable
from weft.plan.plan import Plan

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from weft.kernel.host import HostKernel
from weft.plan.operations import CreateBridge, CreateSandbox, CreateVeth, DeleteLink, DeleteSandbox, LoadTable
from weft.plan.plan import Plan

async def main():
    kernel = HostKernel(Path(sys.argv[1]))
    await kernel.open()
    await kernel.apply(Plan((CreateBridge("br0"), LoadTable("weft", ""), CreateSandbox("s1"), CreateSandbox("s2"))))
    await kernel.apply(Plan(tuple(CreateVeth(f"veth{n}", f"s{n}", "eth0", "", "br0") for n in (1, 2))))
    held = open(kernel.sandbox_path("s2"))
    await kernel.teardown(Plan((DeleteLink("veth2"), DeleteSandbox("s2"))))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def endpoint(number: int) -> Plan:
    sandbox = f"s{number}"
    return Plan(
        (
            CreateSandbox(sandbox),
            CreateVeth(f"veth{number}", sandbox, "eth0", "", "br0"),
            AddAddress("eth0", ip_interface(f"10.0.0.{number + 2}/24"), sandbox),
            LoadTable("inside", "", sandbox),
        )
    )


def test_plans_side_by_side(lab: Lab) -> None:
    plans = [endpoint(number) for number in range(24)]

    async def together() -> None:
        await asyncio.gather(*(lab.kernel.apply(plan) for plan in plans))
        facts = await lab.kernel.facts()
        assert len(facts.sandboxes) == len(plans)
        assert {f"veth{number}" for number in range(24)} <= {link.name for link in facts.links}
        await asyncio.gather(*(lab.kernel.teardown(plan.inverse) for plan in plans))
        await asyncio.gather(*(lab.kernel.apply(plan) for plan in plans))  # names and addresses are free at once

    lab.apply(CreateBridge("br0"))
    lab.run(together())
    for number in (0, 23):
        assert lab.addresses("eth0", f"s{number}") == {f"10.0.0.{number + 2}/24"}
        assert lab.tables(f"s{number}") == {"inside"}


def test_killed_daemon_leaves_what_the_next_one_finds(lab: Lab) -> None:
    root = lab.root.parent / "killed"
    ended = lab.call(lambda: subprocess.run([sys.executable, "-c", KILLED, str(root)], check=False))
    assert ended.returncode == -signal.SIGKILL

    async def start_again() -> None:
        kernel = HostKernel(root)
        await kernel.open()
        try:
            facts = await kernel.facts()
            assert facts.sandboxes == {"s1"}
            assert facts.link("veth1") is not None
            assert facts.tables == {"weft"}
        finally:
            await kernel.close()

    lab.run(start_again())
    assert set(lab.links()) == {"lo", "br0", "veth1"}
