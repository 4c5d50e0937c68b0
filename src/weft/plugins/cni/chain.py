"""Running the plugins of a list in order (CNI specification 1.0.0, section 3)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from weft.model.errors import NotFound, SystemFailure, WeftError
from weft.plugins.cni.conflist import VERSIONS, Conflist, Json, Plugin
from weft.plugins.cni.execution import Call, Executor
from weft.plugins.cni.location import find_program
from weft.plugins.cni.result import parse_json

_RESULT_ON_DELETE_SINCE = "0.4.0"


class Chain:
    """One network's plugins, found in `directories`."""

    def __init__(self, conflist: Conflist, directories: Sequence[str], executor: Executor) -> None:
        self._conflist = conflist
        self._directories = directories
        self._executor = executor

    async def probe(self) -> None:
        """Raise NotFound for a program that is not there, SystemFailure for one that speaks other versions."""
        conflist = self._conflist
        for plugin in conflist.plugins:
            versions = await self._executor.versions(self._program(plugin), conflist.version, self._directories)
            if conflist.version not in versions:
                raise SystemFailure(
                    f"CNI plugin {plugin.type} does not speak version {conflist.version}, which {conflist.origin} asks "
                    f"for: it speaks {', '.join(versions)}"
                )
            address_plugin = plugin.config.get("ipam", {}).get("type")
            if isinstance(address_plugin, str) and address_plugin:
                find_program(address_plugin, self._directories)

    async def add(self, call: Call, runtime_config: Mapping[str, Any]) -> Json:
        """Add an interface; return the last plugin's result as it is. When a plugin fails, all are told to delete."""
        result: Json | None = None
        try:
            for plugin in self._conflist.plugins:
                config = self._config(plugin, runtime_config, result)
                output = await self._run(plugin, "ADD", call, config)
                result = parse_json(output, plugin.type)
        except BaseException:
            with suppress(WeftError):  # the first error is the one to tell
                await self.delete(call, runtime_config, None)
            raise
        assert result is not None  # noqa: S101 - a list has at least one plugin
        return result

    async def check(self, call: Call, runtime_config: Mapping[str, Any], result: Json) -> None:
        """Raise what the first plugin has to object to an interface."""
        for plugin in self._conflist.plugins:
            await self._run(plugin, "CHECK", call, self._config(plugin, runtime_config, result))

    async def delete(self, call: Call, runtime_config: Mapping[str, Any], result: Json | None) -> None:
        """Delete in reverse order, going on after errors; SystemFailure tells all of them."""
        if VERSIONS.index(self._conflist.version) < VERSIONS.index(_RESULT_ON_DELETE_SINCE):
            result = None
        reasons: list[str] = []
        for plugin in reversed(self._conflist.plugins):
            try:
                await self._run(plugin, "DEL", call, self._config(plugin, runtime_config, result))
            except WeftError as error:
                reasons.append(error.message)
        if reasons:
            raise SystemFailure("; ".join(reasons))

    def _config(self, plugin: Plugin, runtime_config: Mapping[str, Any], result: Json | None) -> Json:
        own = {key: value for key, value in runtime_config.items() if key in plugin.capabilities}
        return {
            **plugin.config,
            "cniVersion": self._conflist.version,
            "name": self._conflist.name,
            **({"runtimeConfig": own} if own else {}),
            **({"prevResult": result} if result is not None else {}),
        }

    async def _run(self, plugin: Plugin, command: str, call: Call, config: Json) -> bytes:
        return await self._executor.run(self._program(plugin), command, call, config, self._directories)

    def _program(self, plugin: Plugin) -> str:
        try:
            return find_program(plugin.type, self._directories)
        except NotFound as error:
            raise NotFound(f"{self._conflist.origin}: {error.message}") from error
