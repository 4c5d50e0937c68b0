"""A container's name service: its files, and its view of the DNS process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from weft.engine.contract.files import HostFiles
from weft.engine.contract.names import SandboxView
from weft.engine.sandbox import hosts_file, resolv_conf
from weft.engine.sandbox.links import parse_link
from weft.engine.sandbox.mode import identity_of, is_host, is_user_defined
from weft.engine.settings import Settings
from weft.model.address import Address
from weft.model.container import ContainerRecord
from weft.model.network import NetworkRecord


@dataclass(frozen=True, slots=True)
class NameService:
    """Decides what a container's hosts, hostname and resolv.conf say, and writes them."""

    files: HostFiles
    settings: Settings
    host_gateways: Callable[[], tuple[Address, ...]]  # what `host-gateway` in --add-host stands for
    is_isolated: Callable[[NetworkRecord], bool]  # whether nothing leads out of a network
    links: Callable[[ContainerRecord], tuple[tuple[str, str], ...]]  # (address, names) of legacy links

    def write(self, record: ContainerRecord, directory: str, networks: Iterable[NetworkRecord]) -> None:
        """Write all three files."""
        identity = identity_of(record, self.files.hostname())
        self.files.write_hostname(directory, identity.hostname + "\n")
        self.write_hosts(record, directory)
        self.write_resolv_conf(record, directory, networks)

    def write_hosts(self, record: ContainerRecord, directory: str) -> None:
        """Write the hosts file for the endpoints that the record has now."""
        networking = record.spec.networking
        extra = hosts_file.extra_entries(networking.extra_hosts, self.host_gateways())
        if is_host(networking.mode):
            added = "".join(f"{address}\t{name}\n" for address, name in extra)
            self.files.write_hosts(directory, self.files.hosts() + added)
            return
        identity = identity_of(record, "")
        own = hosts_file.own_names(identity.hostname, identity.domainname)
        self.files.write_hosts(directory, hosts_file.render((*extra, *self.links(record)), addresses_of(record), own))

    def write_resolv_conf(self, record: ContainerRecord, directory: str, networks: Iterable[NetworkRecord]) -> None:
        """Write resolv.conf for the networks that the container is on."""
        networking = record.spec.networking
        path, text = self.files.resolv_conf()
        given = (networking.dns, networking.dns_search, networking.dns_options)
        if is_host(networking.mode) and not any(given):
            self.files.write_resolv_conf(directory, text)
            return
        host = resolv_conf.parse(text)
        conf = self._configured(record, host)
        if any(is_user_defined(network.name) for network in networks):
            from_host = () if self._servers(record) else host.nameservers
            content = resolv_conf.for_resolver(conf, path, from_host=from_host, overrides=_overrides(record))
        else:
            ipv6 = any(network.spec.ipv6 for network in networks)
            content = resolv_conf.for_bridge(conf, path, ipv6=ipv6, overrides=self._servers(record))
        self.files.write_resolv_conf(directory, content)

    def view(self, record: ContainerRecord, networks: Iterable[NetworkRecord]) -> SandboxView:
        """Return what the DNS process is to know of the container's sandbox."""
        named = [network for network in networks if is_user_defined(network.name)]
        _, text = self.files.resolv_conf()
        conf = self._configured(record, resolv_conf.parse(text))
        asked = resolv_conf.upstreams(conf.nameservers)
        from_host = not self._servers(record)
        ndots = resolv_conf.ndots_of((*record.spec.networking.dns_options, *self.settings.dns_options))
        return SandboxView(
            networks=tuple((network.id, network.name) for network in named),
            host_upstreams=asked if from_host else (),
            sandbox_upstreams=() if from_host else asked,
            ndots=ndots or 0,
            links=_private_names(record),
            internal=all(map(self.is_isolated, networks)),
        )

    def _servers(self, record: ContainerRecord) -> tuple[str, ...]:
        return record.spec.networking.dns or offered(record).servers or self.settings.dns

    def _configured(self, record: ContainerRecord, host: resolv_conf.ResolvConf) -> resolv_conf.ResolvConf:
        networking, network = record.spec.networking, offered(record)
        return resolv_conf.override(
            host,
            self._servers(record),
            networking.dns_search or network.search or self.settings.dns_search,
            networking.dns_options or network.options or self.settings.dns_options,
        )


@dataclass(frozen=True, slots=True)
class Offered:
    """What a container's networks themselves say of names (DHCP, CNI), in the order of attaching."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def offered(record: ContainerRecord) -> Offered:
    """Return what the networks offer; it goes after the container's own, before the daemon's and the host's."""
    endpoints = [attachment.endpoint for attachment in record.attachments if attachment.endpoint is not None]
    return Offered(
        tuple(dict.fromkeys(server for endpoint in endpoints for server in endpoint.dns_servers)),
        tuple(dict.fromkeys(domain for endpoint in endpoints for domain in endpoint.dns_search)),
        tuple(dict.fromkeys(option for endpoint in endpoints for option in endpoint.dns_options)),
    )


def addresses_of(record: ContainerRecord) -> tuple[Address, ...]:
    """Return the addresses of a container's endpoints, in the order of attaching, IPv4 before IPv6."""
    users = (attachment for attachment in record.attachments if not attachment.implicit)
    endpoints = [attachment.endpoint for attachment in users if attachment.endpoint is not None]
    interfaces = [interface for e in endpoints for interface in (e.ipv4, e.ipv6) if interface is not None]
    return tuple(interface.ip for interface in interfaces)


def _private_names(record: ContainerRecord) -> tuple[tuple[str, str, str], ...]:
    pairs = ((each.network_id, *parse_link(link)) for each in record.attachments for link in each.spec.links)
    return tuple((network, alias, name) for network, name, alias in pairs)


def _overrides(record: ContainerRecord) -> tuple[str, ...]:
    networking = record.spec.networking
    given = (("nameservers", networking.dns), ("search", networking.dns_search), ("options", networking.dns_options))
    return tuple(name for name, values in given if values)
