"""Namespaces of other containers that one joins: --ipc, --pid and --network container:X."""

from weft.engine.inventory import Inventory
from weft.engine.sandbox.mode import joined_container
from weft.model.container import ContainerRecord, Status
from weft.model.errors import Conflict, InvalidParameter, NotFound

_HOST = "host"


def joined_containers(record: ContainerRecord) -> frozenset[str]:
    """Return the ids of the containers whose namespaces this one joins."""
    spec = record.spec
    modes = (spec.networking.mode, spec.pid_mode, spec.ipc_mode)
    return frozenset(joined for mode in modes if (joined := joined_container(mode)) is not None)


def check_joinable(inventory: Inventory, record: ContainerRecord) -> None:
    """Raise, in Docker's words, where a container whose IPC or PID namespace is joined does not run."""
    for kind, mode in (("IPC", record.spec.ipc_mode), ("PID", record.spec.pid_mode)):
        if (joined := joined_container(mode)) is None:
            continue
        failed = f"failed to join {kind} namespace: "
        try:
            donor = inventory.find_container(joined)
        except NotFound as error:
            raise InvalidParameter(failed + error.message) from error
        if donor.state.status is Status.RESTARTING:
            raise Conflict(f"{failed}Container {donor.id} is restarting, wait until the container is running")
        if not donor.state.is_running:
            raise Conflict(f"{failed}container {donor.id} is not running")


def shared_memory_of(inventory: Inventory, record: ContainerRecord) -> str:
    """Return the id of the container whose /dev/shm this one uses, "host" for the host's."""
    seen = {record.id}
    while (joined := joined_container(record.spec.ipc_mode)) is not None and joined not in seen:
        seen.add(joined)
        record = inventory.find_container(joined)
    return _HOST if record.spec.ipc_mode == _HOST else record.id
