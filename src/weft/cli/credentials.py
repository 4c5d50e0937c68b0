"""Registry credentials from docker's client configuration (config.json, as `docker login` writes it)."""

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


def registry_auth(environment: Mapping[str, str], domain: str) -> str:
    """Return the X-Registry-Auth header for a registry, "" without credentials; raises CommandFailed."""
    directory = environment.get("DOCKER_CONFIG") or os.path.join(environment.get("HOME", "/"), ".docker")
    path = os.path.join(directory, "config.json")
    try:
        with open(path, encoding="utf-8") as file:
            configuration = json.load(file)
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise CommandFailed(f"loading config file: {path}: {error}") from error
    if not isinstance(configuration, dict):
        raise CommandFailed(f"loading config file: {path}: it is not a JSON object")
    server = HUB if domain == DEFAULT_DOMAIN else domain
    helper = text(inner(configuration, "credHelpers"), server) or text(configuration, "credsStore")
    entry = _from_helper(helper, server) if helper else inner(inner(configuration, "auths"), server)
    return _header(entry, server, path)


def _header(entry: Mapping[str, object], server: str, path: str) -> str:
    username, password = text(entry, "username"), text(entry, "password")
    if packed := text(entry, "auth"):
        try:
            username, _, password = base64.b64decode(packed).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise CommandFailed(f"{path}: the credentials of {server} cannot be read: log in again") from error
    header = {"username": username, "password": password, "identitytoken": text(entry, "identitytoken")}
    if not any(header.values()):
        return ""
    header = {key: value for key, value in header.items() if value} | {"serveraddress": server}
    return base64.urlsafe_b64encode(json.dumps(header).encode()).decode()


def _from_helper(name: str, server: str) -> dict[str, object]:
    """Ask docker-credential-NAME (its protocol: the server on standard input, JSON back)."""
    import subprocess

    program = f"docker-credential-{name}"
    try:
        done = subprocess.run([program, "get"], input=server.encode(), capture_output=True, check=False)
        answer = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError) as error:
        raise CommandFailed(f"error getting credentials for {server} from {program}: {error}") from error
    secret, username = text(answer, "Secret"), text(answer, "Username")
    return {"identitytoken": secret} if username == "<token>" else {"username": username, "password": secret}
