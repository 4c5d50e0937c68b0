"""Where plugins of protocol v1 are: sockets, and files that name an address (Docker's plugin discovery)."""

import json
import os
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from weft.model.errors import InvalidParameter

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,254}")
_FILE_LIMIT = 64 << 10  # bytes
_SCHEMES = ("unix", "tcp", "http", "https")


@dataclass(frozen=True, slots=True)
class Tls:
    """TLSConfig of a plugin's JSON file; "" is none."""

    insecure: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    def context(self) -> ssl.SSLContext:
        """Return what a connection is made with; raises OSError where a file cannot be read, or is not what it says."""
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate_file:
            context.load_cert_chain(self.certificate_file, self.key_file or None)
        return context


@dataclass(frozen=True, slots=True)
class PluginAddress:
    """`socket` is a path; where it is "", `host` and `port` are meant."""

    socket: str = ""
    host: str = ""
    port: int = 0
    tls: Tls | None = None

    def __str__(self) -> str:
        return f"unix://{self.socket}" if self.socket else f"tcp://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Directories:
    """Where to look, in order: first for sockets, then for files."""

    sockets: tuple[Path, ...] = (Path("/run/docker/plugins"),)
    files: tuple[Path, ...] = (Path("/etc/docker/plugins"), Path("/usr/lib/docker/plugins"))

    def find(self, name: str) -> PluginAddress | None:
        """Return a plugin's address, or None. Raises InvalidParameter, naming the file, for one that makes no sense."""
        if not _NAME.fullmatch(name) or ".." in name or "/" in name:
            return None
        for directory in self.sockets:
            for path in (directory / f"{name}.sock", directory / name / f"{name}.sock"):
                if path.is_socket():
                    return PluginAddress(socket=str(path))
        for path in self._candidates(name):
            if path.is_file():
                return _read(path)
        return None

    def _candidates(self, name: str) -> Iterable[Path]:
        for directory in self.files:
            for suffix in ("spec", "json"):
                yield directory / f"{name}.{suffix}"
                yield directory / name / f"{name}.{suffix}"


def _read(path: Path) -> PluginAddress:
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_LIMIT + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidParameter(f"the plugin's file {path} cannot be read: {error}") from error
    if len(content) > _FILE_LIMIT:
        raise InvalidParameter(f"the plugin's file {path} is longer than {_FILE_LIMIT} bytes: is it one?")
    if path.suffix == ".spec":
        return _address(text.strip(), path, None)
    return _from_json(text, path)


def _from_json(text: str, path: Path) -> PluginAddress:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InvalidParameter(f"the plugin's file {path} is not JSON: {error}") from error
    fields = _lower(content) if isinstance(content, dict) else {}
    address, tls = fields.get("addr"), fields.get("tlsconfig")
    if not isinstance(address, str) or not address:
        raise InvalidParameter(f"the plugin's file {path} has no Addr: write one, as unix:///… or tcp://host:port")
    if tls is not None and not isinstance(tls, dict):
        raise InvalidParameter(f"the plugin's file {path}: TLSConfig must be an object")
    return _address(address, path, _tls(_lower(tls), path) if tls is not None else None)


def _tls(fields: Mapping[str, Any], path: Path) -> Tls:
    insecure = fields.get("insecureskipverify", False)
    files = [fields.get(key, "") for key in ("cafile", "certfile", "keyfile")]
    if not isinstance(insecure, bool) or not all(isinstance(each, str) for each in files):
        raise InvalidParameter(f"the plugin's file {path}: TLSConfig has InsecureSkipVerify (a boolean) and file names")
    # relative ones lie beside the plugin's file
    return Tls(insecure, *(str(path.parent / each) if each else "" for each in files))


def _address(text: str, path: Path, tls: Tls | None) -> PluginAddress:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise InvalidParameter(f"the plugin's file {path}: {text!r} is no address: {error}") from error
    if parts.scheme not in _SCHEMES:
        raise InvalidParameter(f"the plugin's file {path}: {text!r} must begin with unix:// or tcp://")
    if parts.scheme == "unix":
        location = os.path.normpath(parts.netloc + parts.path)
        if not os.path.isabs(location):
            raise InvalidParameter(f"the plugin's file {path}: {text!r} must have an absolute path")
        return PluginAddress(socket=location)
    if not parts.hostname or not port:
        raise InvalidParameter(f"the plugin's file {path}: {text!r} must name a host and a port")
    return PluginAddress(host=parts.hostname, port=port, tls=tls or (Tls() if parts.scheme == "https" else None))


def _lower(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in fields.items()}
