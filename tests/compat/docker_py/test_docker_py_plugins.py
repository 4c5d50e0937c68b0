"""Every public method that docker-py has for managed plugins, on an engine that has none."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient, DockerClient
from docker.api.plugin import PluginApiMixin
from docker.errors import APIError, NotFound
from docker.models.plugins import Plugin, PluginCollection

from rig.engine import Engine
from rig.walk import Walk

PRIVILEGES = [{"Name": "network", "Description": "", "Value": ["host"]}]


@pytest.fixture(scope="module", autouse=True)
def walk() -> Iterator[Walk]:
    """What of docker-py's has been used in this file."""
    with Walk(Plugin, PluginCollection, PluginApiMixin) as walk:
        yield walk


def test_lists_and_looks(client: DockerClient, low: APIClient) -> None:
    assert client.plugins.list() == low.plugins() == []
    for look in (lambda: client.plugins.get("nothing"), lambda: low.inspect_plugin("nothing")):
        with pytest.raises(NotFound, match='plugin "nothing" not found'):
            look()


def test_changes_of_a_plugin_that_is_not_there(client: DockerClient, low: APIClient) -> None:
    plugin = client.plugins.prepare_model({"Id": "abc", "Name": "nothing:latest", "Enabled": False, "Settings": {}})
    assert (plugin.name, plugin.enabled, plugin.settings) == ("nothing:latest", False, {})
    for act in (
        lambda: plugin.configure({"A": "b"}),
        plugin.disable,
        lambda: plugin.enable(timeout=1),
        plugin.push,
        lambda: plugin.remove(force=True),
        lambda: low.configure_plugin("nothing", {"A": "b"}),
        lambda: low.disable_plugin("nothing"),
        lambda: low.enable_plugin("nothing"),
        lambda: low.push_plugin("nothing"),  # docker-py sends it to an address that the API does not have
        lambda: low.remove_plugin("nothing"),
        lambda: low.upgrade_plugin("nothing", "nothing:latest", PRIVILEGES),
    ):
        with pytest.raises(NotFound):
            act()


def test_nothing_is_installed(client: DockerClient, low: APIClient, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "config.json").write_text(json.dumps({"interface": {"types": [], "socket": "s"}}))
    upgraded = client.plugins.prepare_model({"Id": "abc", "Name": "nothing:latest", "Enabled": False})
    for act in (
        lambda: low.plugin_privileges("127.0.0.1:5000/nothing"),
        lambda: list(low.pull_plugin("127.0.0.1:5000/nothing", PRIVILEGES)),
        lambda: client.plugins.install("127.0.0.1:5000/nothing"),
        lambda: list(upgraded.upgrade("127.0.0.1:5000/nothing")),
        lambda: client.plugins.create("127.0.0.1:5000/Bad Name", str(tmp_path)),
        lambda: low.create_plugin("127.0.0.1:5000/Bad Name", str(tmp_path), gzip=True),
    ):
        if engine.reference:  # it would have them
            with contextlib.suppress(APIError):
                act()
            continue
        with pytest.raises(APIError, match="plugins are not supported") as refused:
            act()
        assert refused.value.status_code == 501


def test_every_method_was_walked(walk: Walk) -> None:
    assert walk.left == set()
