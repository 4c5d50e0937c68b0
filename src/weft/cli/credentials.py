"""Registry credentials in docker's client configuration (config.json, as `docker login` writes it)."""

from __future__ import annotations

import base64
import binascii
import json
import os.path
from collections.abc import Mapping

from weft.cli.errors import CommandFailed
from weft.cli.render.fields import inner, text
from weft.cli.render.reference import DEFAULT_DOMAIN

HUB = "https://index.docker.io/v1/"  # under which docker keeps the default registry's credentials
_MODE = 0o600

Json = dict[str, object]


class Credentials:
    """What one configuration file holds, or the helper that it names. Every method raises CommandFailed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        directory = environment.get("DOCKER_CONFIG") or os.path.join(environment.get("HOME", "/"), ".docker")
        self.path = os.path.join(directory, "config.json")
        self._configuration = self._load()

    def of(self, server: str) -> Json:
        """Return `username` and `password`, or `identitytoken`; {} where there are none."""
        if helper := self.helper(server):
            answer = _ask(helper, "get", server, server)
            secret, username = text(answer, "Secret"), text(answer, "Username")
            found: Json = (
                {"identitytoken": secret} if username == "<token>" else {"username": username, "password": secret}
            )
        else:
            found = self._unpacked(server)
        return {key: value for key, value in found.items() if value}

    def helper(self, server: str) -> str:
        """Return the name of the program that keeps a server's credentials, "" where the file does."""
        configuration = self._configuration
        return text(inner(configuration, "credHelpers"), server) or text(configuration, "credsStore")

    def store(self, server: str, username: str, password: str) -> None:
        """Keep credentials."""
        if helper := self.helper(server):
            _ask(helper, "store", server, json.dumps({"ServerURL": server, "Username": username, "Secret": password}))
            return
        packed = base64.b64encode(f"{username}:{password}".encode()).decode()
        auths = {**inner(self._configuration, "auths"), server: {"auth": packed}}
        self._save({**self._configuration, "auths": auths})

    def erase(self, server: str) -> bool:
        """Forget credentials; return whether there were any."""
        if helper := self.helper(server):
            known = bool(self.of(server))
            if known:
                _ask(helper, "erase", server, server)
            return known
        auths = {**inner(self._configuration, "auths")}
        if auths.pop(server, None) is None:
            return False
        self._save({**self._configuration, "auths": auths})
        return True

    def _unpacked(self, server: str) -> Json:
        entry = inner(inner(self._configuration, "auths"), server)
        username, password = text(entry, "username"), text(entry, "password")
        if packed := text(entry, "auth"):
            try:
                username, _, password = base64.b64decode(packed).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError) as error:
                raise CommandFailed(f"{self.path}: the credentials of {server} cannot be read: log in again") from error
        return {"username": username, "password": password, "identitytoken": text(entry, "identitytoken")}

    def _load(self) -> Json:
        try:
            with open(self.path, encoding="utf-8") as file:
                configuration = json.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise CommandFailed(f"loading config file: {self.path}: {error}") from error
        if not isinstance(configuration, dict):
            raise CommandFailed(f"loading config file: {self.path}: it is not a JSON object")
        return configuration

    def _save(self, configuration: Json) -> None:
        """Write the file anew beside the old one, so that no failure loses what was there."""
        fresh = f"{self.path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    json.dump(configuration, file, indent="\t")
                os.replace(fresh, os.path.realpath(self.path))
            except BaseException:
                os.unlink(fresh)
                raise
        except OSError as error:
            raise CommandFailed(f"saving config file: {self.path}: {error.strerror}") from error
        self._configuration = configuration


def registry_auth(environment: Mapping[str, str], domain: str) -> str:
    """Return the X-Registry-Auth header for a registry, "" without credentials; raises CommandFailed."""
    server = server_of(domain)
    found = Credentials(environment).of(server)
    if not found:
        return ""
    return base64.urlsafe_b64encode(json.dumps({**found, "serveraddress": server}).encode()).decode()


def server_of(text: str) -> str:
    """Return the name under which docker keeps the credentials of a registry, from a domain or an URL."""
    host = text.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return HUB if host in ("", DEFAULT_DOMAIN, "index.docker.io", "registry-1.docker.io") else host


def _ask(name: str, verb: str, server: str, said: str) -> Json:
    """Ask docker-credential-NAME (its protocol: a verb, text on standard input, JSON or nothing back)."""
    import subprocess

    program = f"docker-credential-{name}"
    try:
        done = subprocess.run([program, verb], input=said.encode(), capture_output=True, check=False)
        if done.returncode != 0 and verb != "get":
            raise OSError((done.stdout + done.stderr).decode(errors="replace").strip())
        answer = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else {}
    except (OSError, ValueError) as error:
        doing = {"get": "getting", "store": "saving", "erase": "erasing"}[verb]
        raise CommandFailed(f"error {doing} credentials for {server} by {program}: {error}") from error
    return answer if isinstance(answer, dict) else {}
