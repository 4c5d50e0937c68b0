"""Container update: what is to change, with which warnings, and what is refused."""

from dataclasses import fields, replace
from typing import Any

import msgspec
import pytest

from weft.api.wire.container_update import DECODER, Update, container_update
from weft.api.wire.machine import Machine
from weft.engine.containers.limits import LimitChange
from weft.engine.contract.runtime import LimitSupport
from weft.model.container import Resources, RestartPolicy
from weft.model.errors import InvalidParameter, Unimplemented

EVERY_LIMIT = LimitSupport(fields=frozenset(each.name for each in fields(Resources)), cpus="0-1", mems="0")
MACHINE = Machine(cpus=2, runtime="crun", cgroup_version=1, exec_root="/run/weft", limits=EVERY_LIMIT)


def update(machine: Machine = MACHINE, **body: Any) -> Update:
    return container_update(DECODER.decode(msgspec.json.encode(body)), machine)


def test_nothing_is_nothing() -> None:
    # what docker 28 sends for `docker update --restart always`
    resources = {
        "Memory": 0,
        "CpusetCpus": "",
        "BlkioWeight": 0,
        "Devices": [],
        "MemorySwappiness": None,
        "Ulimits": [],
    }
    assert update(**resources, RestartPolicy={"Name": "always"}) == Update(restart=RestartPolicy(name="always"))


def test_every_limit() -> None:
    assert update(
        Memory=64 << 20,
        MemorySwap=-1,
        MemoryReservation=32 << 20,
        CpuShares=5,
        CpuPeriod=50000,
        CpuQuota=25000,
        CpuRealtimePeriod=10,
        CpuRealtimeRuntime=5,
        CpusetCpus="0",
        CpusetMems="0",
        BlkioWeight=300,
        PidsLimit=-1,
    ).limits == LimitChange(
        memory=64 << 20,
        memory_swap=-1,
        memory_reservation=32 << 20,
        cpu_shares=5,
        cpu_period=50000,
        cpu_quota=25000,
        cpu_realtime_period=10,
        cpu_realtime_runtime=5,
        cpuset_cpus="0",
        cpuset_mems="0",
        blkio_weight=300,
        pids_limit=-1,
    )


def test_what_the_machine_lacks_is_left_out_and_told() -> None:
    poor = replace(MACHINE, limits=LimitSupport(fields=frozenset({"memory", "memory_swap"})))
    found = update(poor, Memory=64 << 20, CpusetCpus="7", BlkioWeight=5)
    assert found.limits == LimitChange(memory=64 << 20)
    assert found.warnings == (
        "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.",
        "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"CpusetCpus": "0-2"}, "Requested CPUs are not available - requested 0-2, available: 0-1"),
        ({"CpusetMems": "x"}, "Invalid value x for cpuset mems: invalid format: x"),
        ({"BlkioWeight": 5}, "Range of blkio weight is from 10 to 1000"),
        ({"CpuRealtimePeriod": 5, "CpuRealtimeRuntime": 9}, "cpu real-time runtime cannot be higher than"),
        ({"NanoCpus": 3_000_000_000}, "Range of CPUs is from 0.01 to 2.00"),
    ],
)
def test_bounds(body: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        update(**body)
    assert message in caught.value.message


def test_what_cannot_change() -> None:
    with pytest.raises(Unimplemented, match="BlkioDeviceReadBps is not supported by update"):
        update(BlkioDeviceReadBps=[{"Path": "/dev/sda", "Rate": 1}])
