"""Configurations of CNI: what is read, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from weft.model.errors import InvalidParameter
from weft.plugins.cni.conflist import parse_conflist

BRIDGE: dict[str, Any] = {"type": "bridge", "bridge": "cni0", "ipam": {"type": "host-local"}}


def text(*plugins: Any, **more: Any) -> str:
    return json.dumps({"cniVersion": "1.0.0", "name": "blue", "plugins": plugins, **more})


def test_a_list() -> None:
    portmap = {"type": "portmap", "snat": True, "capabilities": {"portMappings": True, "aliases": False}}
    found = parse_conflist(text(BRIDGE, portmap), "x")
    assert (found.name, found.version, [each.type for each in found.plugins]) == (
        "blue",
        "1.0.0",
        ["bridge", "portmap"],
    )
    assert found.plugins[0].config == BRIDGE
    assert found.plugins[1].config == {"type": "portmap", "snat": True}, "capabilities are not the plugin's to see"
    assert found.capabilities == {"portMappings"}


def test_a_single_plugin() -> None:
    found = parse_conflist(json.dumps({"cniVersion": "0.4.0", "name": "one", **BRIDGE}), "x")
    assert [each.config for each in found.plugins] == [BRIDGE]


@pytest.mark.parametrize(
    ("more", "checked"), [({}, True), ({"disableCheck": True}, False), ({"cniVersion": "0.3.1"}, False)]
)
def test_check(more: dict[str, Any], checked: bool) -> None:
    assert parse_conflist(text(BRIDGE, **more), "x").has_check is checked


REFUSED = {
    "not JSON": ("{", "it is not JSON"),
    "nested": ("[" * 100000, "it is not JSON"),
    "list": ("[]", "not a JSON object"),
    "no version": (json.dumps({"name": "a", "plugins": [BRIDGE]}), '"cniVersion" is missing'),
    "version": (text(BRIDGE, cniVersion="9.0.0"), "Weft speaks 0.3.1, 0.4.0, 1.0.0"),
    "name": (text(BRIDGE, name="../x"), '"name" is'),
    "empty": (text(), '"plugins" must be a list'),
    "no object": (text("bridge"), "plugins[0] is not a JSON object"),
    "no type": (text(BRIDGE, {}), 'plugins[1] has the "type" missing'),
    "path": (text({"type": "../bin/sh"}), "file name of the plugin's program"),
    "result": (text({**BRIDGE, "prevResult": {}}), "only the engine writes"),
    "ipam": (text({**BRIDGE, "ipam": "host-local"}), '"ipam" that is not a JSON object'),
    "capabilities": (text({**BRIDGE, "capabilities": ["portMappings"]}), "names with true or false"),
    "disableCheck": (text(BRIDGE, disableCheck="yes"), "it takes true or false"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    given, reason = REFUSED[case]
    with pytest.raises(InvalidParameter, match="CNI configuration /etc/x") as caught:
        parse_conflist(given, "/etc/x")
    assert reason in caught.value.message
