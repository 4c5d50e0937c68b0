"""Opens the sockets that the API listens on: unix, TCP with or without TLS, and those that systemd passed."""

import grp
import os
import socket
import ssl
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from weft.daemon.config.daemon_config import DaemonConfig
from weft.daemon.config.host import Host, InheritedHost, TcpHost, UnixHost
from weft.model.errors import Conflict, InvalidParameter, SystemFailure

_BACKLOG = 128
_FIRST_INHERITED = 3  # sd_listen_fds(3)
_MODE = 0o660


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket, non-blocking; `tls` where its connections are to be encrypted."""

    host: Host
    socket: socket.socket
    tls: ssl.SSLContext | None = None


def open_listeners(config: DaemonConfig, environment: Mapping[str, str]) -> list[Listener]:
    """Return a listener for each socket that the configuration names.

    `environment` has what systemd says of the sockets it passed. Raises Conflict where another daemon listens there,
    InvalidParameter where a certificate, the group or a passed socket is missing, SystemFailure with the kernel's
    reason. What was opened before an error is closed.
    """
    tls = tls_context(config) if config.tls else None
    opened: list[Listener] = []
    try:
        for host in config.hosts:
            opened += _open(host, config, environment, tls)
    except BaseException:
        close_listeners(opened)
        raise
    return opened


def close_listeners(listeners: Sequence[Listener]) -> None:
    """Close the sockets and remove the unix ones that we made."""
    for listener in listeners:
        if isinstance(listener.host, UnixHost):
            with suppress(FileNotFoundError):
                os.unlink(listener.host.path)
        listener.socket.close()


def tls_context(config: DaemonConfig) -> ssl.SSLContext:
    """Return the TLS side of the server: with `tlsverify` a client needs a certificate of our CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.tlscert, config.tlskey)
    except OSError as error:  # ssl.SSLError is one
        raise InvalidParameter(
            f"could not load X509 key pair (cert: {config.tlscert!r}, key: {config.tlskey!r}): {_reason(error)}"
        ) from error
    if config.tlsverify:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(config.tlscacert)
        except OSError as error:
            raise InvalidParameter(f"could not read CA certificate {config.tlscacert!r}: {_reason(error)}") from error
    return context


def _open(
    host: Host, config: DaemonConfig, environment: Mapping[str, str], tls: ssl.SSLContext | None
) -> list[Listener]:
    try:
        match host:
            case UnixHost():
                return [Listener(host, _unix(host.path, _group(config)))]
            case TcpHost():
                sockets = [_tcp(host)]
            case InheritedHost():
                sockets = _inherited(host, environment)
    except OSError as error:
        raise SystemFailure(f"can't create {host} socket: {_reason(error)}") from error
    for sock in sockets:
        if not config.tlsverify and not _is_local(sock):
            for each in sockets:
                each.close()
            raise InvalidParameter(f"refusing to listen on {host} without --tlsverify: others can reach it")
    return [Listener(host, sock, tls if _is_tcp(sock) else None) for sock in sockets]


def _unix(path: str, group: int) -> socket.socket:
    """Return a socket that root and the group may use; one that a dead daemon left is replaced."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        mask = os.umask(0o777 & ~_MODE)
        try:
            sock.bind(path)
        finally:
            os.umask(mask)
        os.chown(path, -1, group)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _clear(path: str) -> None:
    """Remove a dead socket; raises Conflict where somebody answers there, or where it is no socket."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Conflict(f"can't create unix socket {path}: there is a file that is no socket: remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass  # its queue is full: somebody is there
    raise Conflict(f"can't create unix socket {path}: is another daemon running? Stop it, or use another -H")


def _group(config: DaemonConfig) -> int:
    """Return the id of the socket's group, root's where there is no group docker and none was asked for."""
    try:
        return grp.getgrnam(config.group).gr_gid
    except KeyError:
        if config.group.isascii() and config.group.isdigit():
            return int(config.group)
        if config.group_given:
            raise InvalidParameter(f"group {config.group} not found: create it, or give --group another") from None
        return 0


def _tcp(host: TcpHost) -> socket.socket:
    """Return a socket at the host's address; of a name's addresses the first of IPv4, as dockerd takes it."""
    found = socket.getaddrinfo(host.host, host.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _inherited(host: InheritedHost, environment: Mapping[str, str]) -> list[socket.socket]:
    """Return the sockets that systemd passed to this very process, or the one asked for."""
    count = environment.get("LISTEN_FDS", "0")
    passed = int(count) if environment.get("LISTEN_PID") == str(os.getpid()) and count.isdigit() else 0
    numbers = range(_FIRST_INHERITED, _FIRST_INHERITED + passed)
    if host.number is not None:
        numbers = range(host.number, host.number + 1) if host.number in numbers else range(0)
    if not numbers:
        raise InvalidParameter(
            f"no sockets found via socket activation for {host}: make sure the service was started by systemd"
        )
    opened = []
    for number in numbers:
        os.set_inheritable(number, False)
        sock = socket.socket(fileno=number)
        sock.setblocking(False)
        opened.append(sock)
    return opened


def _is_local(sock: socket.socket) -> bool:
    """Whether only this machine reaches a socket: by its address, whatever the name was that led to it."""
    return not _is_tcp(sock) or ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback


def _is_tcp(sock: socket.socket) -> bool:
    return sock.family in (socket.AF_INET, socket.AF_INET6)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
