"""What a few networks and containers should be like after some requests: a small model of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field

RUNS = ("running", "paused")


@dataclass
class Net:
    """A network. `number` tells networks apart that had one name after another."""

    number: int
    internal: bool


@dataclass
class Box:
    """A container; `nets` maps the name of each network that it is attached to, to the alias it has there."""

    mode: str
    port: int
    status: str = "created"
    nets: dict[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether it has a process."""
        return self.status in RUNS


class Model:
    """Each method says whether the request succeeds, and does then what it would do."""

    def __init__(self) -> None:
        self.nets: dict[str, Net] = {"bridge": Net(0, internal=False), "none": Net(0, internal=True)}
        self.boxes: dict[str, Box] = {}
        self._made = 0

    def create_network(self, name: str, *, internal: bool) -> bool:
        """Names are unique."""
        if name in self.nets:
            return False
        self._made += 1
        self.nets[name] = Net(self._made, internal)
        return True

    def remove_network(self, name: str) -> bool:
        """Only what runs holds a network."""
        if name not in self.nets or any(box.runs and name in box.nets for box in self.boxes.values()):
            return False
        del self.nets[name]
        return True

    def create(self, name: str, mode: str, port: int, alias: str) -> bool:
        """A free name; the network is looked for at the start."""
        if name in self.boxes:
            return False
        self.boxes[name] = Box(mode, port, nets={mode: alias})
        return True

    def start(self, name: str) -> bool:
        """A running container stays as it is; the networks must exist and the port be free."""
        box = self.boxes.get(name)
        if box is None or box.status == "paused":
            return False
        return box.runs or self._launch(box)

    def _launch(self, box: Box) -> bool:
        if any(name not in self.nets for name in box.nets) or self._is_taken(box):
            return False
        box.status = "running"
        return True

    def _is_taken(self, box: Box) -> bool:
        return self._publishes(box) and any(
            other is not box and other.runs and other.port == box.port and self._publishes(other)
            for other in self.boxes.values()
        )

    def _publishes(self, box: Box) -> bool:
        return box.port > 0 and any(name in self.nets and not self.nets[name].internal for name in box.nets)

    def stop(self, name: str) -> bool:
        """A stopped container stays as it is."""
        box = self.boxes.get(name)
        if box is None:
            return False
        if box.runs:
            box.status = "exited"
        return True

    def kill(self, name: str) -> bool:
        """Only what runs can be killed."""
        box = self.boxes.get(name)
        return box is not None and box.runs and self.stop(name)

    def restart(self, name: str) -> bool:
        """Stop if it runs, then start."""
        box = self.boxes.get(name)
        if box is None:
            return False
        if box.runs:
            box.status = "exited"
        return self._launch(box)

    def pause(self, name: str) -> bool:
        """From running to paused."""
        return self._change(name, "running", "paused")

    def unpause(self, name: str) -> bool:
        """From paused to running."""
        return self._change(name, "paused", "running")

    def _change(self, name: str, before: str, after: str) -> bool:
        box = self.boxes.get(name)
        if box is None or box.status != before:
            return False
        box.status = after
        return True

    def rename(self, name: str, new: str) -> bool:
        """To a free name."""
        if name not in self.boxes or new in self.boxes:
            return False
        self.boxes[new] = self.boxes.pop(name)
        return True

    def remove(self, name: str) -> bool:
        """By force."""
        return self.boxes.pop(name, None) is not None

    def connect(self, name: str, network: str, alias: str) -> bool:
        """Once a network; `none` excludes all others; a port that is published by it must be free."""
        box = self.boxes.get(name)
        if box is None or network not in self.nets or network in box.nets or "none" in box.nets:
            return False
        box.nets[network] = alias
        if box.runs and self._is_taken(box):
            del box.nets[network]
            return False
        return True

    def disconnect(self, name: str, network: str) -> bool:
        """From a network that it is attached to."""
        box = self.boxes.get(name)
        if box is None or network not in self.nets or network not in box.nets:
            return False
        del box.nets[network]
        return True
