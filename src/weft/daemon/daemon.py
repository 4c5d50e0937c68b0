"""The daemon: opens what the engine stands on, serves the API, reloads, lets go."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from weft import __version__
from weft.api.app import create_app
from weft.api.server import Server, serve
from weft.daemon.config.daemon_config import DaemonConfig
from weft.daemon.config.reload import reloadable
from weft.daemon.engine import Engine
from weft.daemon.host_summary import HostObserver, file_system, nft_version
from weft.daemon.kept_process import Handover
from weft.daemon.listeners import Listener
from weft.daemon.log import set_level
from weft.daemon.names import DnsProcess
from weft.daemon.relay import RelayProcess
from weft.daemon.root_lock import lock_root
from weft.daemon.services import Edges
from weft.daemon.settings import persistent_id, settings_of
from weft.drivers.bridge import BridgeDriver
from weft.drivers.registry import built_in
from weft.engine.contract.records import Record
from weft.engine.networks.predefined import bridge_spec
from weft.engine.system import DaemonSummary, SystemService
from weft.kernel.host import HostKernel
from weft.model.errors import WeftError
from weft.model.image import ImageRecord
from weft.plugins.cni.driver import CniDriver
from weft.plugins.cni.execution import Executor
from weft.plugins.dhcp.clients import DhcpClients
from weft.plugins.dhcp.ipam import DhcpIpam
from weft.plugins.discovery import Directories
from weft.plugins.registry import PluginRegistry
from weft.runtime.cgroup import RealTime
from weft.runtime.host_files import HostFileSystem
from weft.runtime.images.store import ImageStore
from weft.runtime.oci import OciRuntime
from weft.runtime.tree_size import TreeSizes
from weft.runtime.volumes import LocalVolumes
from weft.store.sqlite import SqliteStore

_log = logging.getLogger(__name__)
_STORE = "weft.db"


class Daemon:
    """One engine on one host. `reread` returns the configuration as flags and file have it now."""

    def __init__(self, config: DaemonConfig, reread: Callable[[], DaemonConfig]) -> None:
        self._config = config
        self._reread = reread
        self._stack = AsyncExitStack()
        self._images: ImageStore | None = None
        self._started = time.time_ns()

    async def start(self, listeners: list[Listener]) -> None:
        """Open everything in order, recover, serve; what was opened is closed again where a later step fails."""
        self._tell_without_effect()
        self._use_proxies()
        async with AsyncExitStack() as stack:
            engine, system = await self._engine(stack)
            await engine.start()
            stack.push_async_callback(engine.stop)
            server = await serve(create_app(engine.backend(system)), [(each.socket, each.tls) for each in listeners])
            stack.push_async_callback(self._stop_serving, server)
            self._stack = stack.pop_all()
        for listener in listeners:
            _log.info("API listen on %s", listener.host)
        _log.info("Daemon has completed initialization")

    def _tell_without_effect(self) -> None:
        for key, reason in self._config.without_effect:
            _log.info("the option %s makes no difference: %s", key, reason)

    def _use_proxies(self) -> None:
        """Give the programs that reach registries the proxies of daemon.json, as dockerd does: by the environment."""
        config = self._config
        proxies = {"HTTP": config.http_proxy, "HTTPS": config.https_proxy, "NO": config.no_proxy}
        os.environ.update({f"{kind}_PROXY": value for kind, value in proxies.items() if value})

    async def _stop_serving(self, server: Server) -> None:
        await server.stop()

    async def _engine(self, stack: AsyncExitStack) -> tuple[Engine, SystemService]:
        config = self._config
        data_root, exec_root = Path(config.data_root), Path(config.exec_root)
        data_root.mkdir(parents=True, exist_ok=True, mode=0o711)
        exec_root.mkdir(parents=True, exist_ok=True, mode=0o711)
        stack.callback(os.close, lock_root(data_root))
        settings = settings_of(config, persistent_id(data_root))
        BridgeDriver().validate(bridge_spec(settings, settings.mtu, ()))  # while nothing is touched yet
        store = SqliteStore(data_root / _STORE)
        stack.callback(store.close)
        records = store.load()
        holder: list[Engine] = []

        async def hand_over() -> None:
            for engine in holder:
                await engine.hand_over_names()

        edges = await self._edges(stack, store, records, hand_over)
        drivers = built_in(ip_forward=config.ip_forward, direct_routing=config.allow_direct_routing)
        engine = Engine(edges, records, settings, drivers)
        holder.append(engine)
        system = SystemService(
            engine.inventory,
            edges.images,
            edges.runtime,
            drivers,
            edges.remotes,
            engine.events,
            settings,
            HostObserver(nft_version(), file_system(config.data_root)),
            self._summary,
            engine.warnings,
        )
        return engine, system

    async def _edges(
        self, stack: AsyncExitStack, store: SqliteStore, records: Sequence[Record], hand_over: Handover
    ) -> Edges:
        """Open what the engine stands on; `stack` closes it again."""
        config = self._config
        data_root, exec_root = Path(config.data_root), Path(config.exec_root)
        kernel = HostKernel(exec_root)
        await kernel.open()
        stack.push_async_callback(kernel.close)
        images = self._open_images(data_root, store, [each for each in records if isinstance(each, ImageRecord)])
        stack.callback(images.close)
        realtime = RealTime(config.cpu_rt_period, config.cpu_rt_runtime)
        sizes = TreeSizes()
        stack.callback(sizes.close)
        runtime = OciRuntime(
            data_root, exec_root, images.layer_directories, clock=time.time_ns, sizes=sizes, realtime=realtime
        )
        await runtime.open()
        stack.push_async_callback(runtime.close)
        names = DnsProcess(config.exec_root, hand_over, log_path=os.path.join(config.exec_root, "weft-dns.log"))
        await names.start()
        stack.push_async_callback(names.stop)
        relay = RelayProcess(
            config.exec_root,
            enabled=config.userland_proxy,
            log_path=os.path.join(config.exec_root, "weft-relay.log"),
        )
        stack.push_async_callback(relay.stop)
        volumes = LocalVolumes(data_root, sizes)
        remotes = PluginRegistry(
            _plugin_directories(config.exec_root), drivers={"cni": CniDriver(Executor())}, ipams={"dhcp": DhcpIpam()}
        )
        stack.push_async_callback(remotes.close)
        leases = DhcpClients(exec_root / "dhcp", data_root / "dhcp")
        await leases.open()
        stack.push_async_callback(leases.close)
        return Edges(
            kernel, runtime, images, volumes, HostFileSystem(), runtime.files, names, store, remotes, relay, leases
        )

    def _open_images(self, data_root: Path, store: SqliteStore, records: list[ImageRecord]) -> ImageStore:
        config = self._config
        self._images = ImageStore(
            data_root, store, records, mirrors=config.registry_mirrors, insecure=config.insecure_registries
        )
        return self._images

    def _summary(self) -> DaemonSummary:
        return DaemonSummary(
            debug=self._config.debug,
            labels=self._config.labels,
            registry_mirrors=self._config.registry_mirrors,
            insecure_registries=self._config.insecure_registries,
            started=self._started,
        )

    def reload(self) -> None:
        """Take over from a changed file what can be taken over (SIGHUP); a wrong file changes nothing."""
        try:
            changes = reloadable(self._config, self._reread())
        except WeftError as error:
            _log.error("configuration was not reloaded: %s", error.message)
            return
        self._config = changes.config
        set_level(changes.config.log_level, debug=changes.config.debug)
        if self._images is not None:
            self._images.set_registries(changes.config.registry_mirrors, changes.config.insecure_registries)
        _log.info("configuration reloaded: %s", ", ".join(changes.taken) or "nothing changed")
        if changes.left:
            _log.warning("these changes need a restart: %s", ", ".join(changes.left))

    async def stop(self) -> None:
        """Stop serving and let go; containers, ports and names stay."""
        _log.info("weftd %s stops; containers go on", __version__)
        await self._stack.aclose()


def _plugin_directories(exec_root: str) -> Directories:
    """Return where plugins are looked for: a directory of this daemon's own, then Docker's."""
    usual = Directories()
    return Directories((Path(exec_root) / "plugins", *usual.sockets), usual.files)
