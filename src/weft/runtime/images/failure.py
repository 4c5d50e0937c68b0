"""What registries and skopeo complain of, in Docker's words."""

import json
import re

from weft.model.errors import NotFound, SystemFailure, Unauthorized, WeftError
from weft.runtime.images.reference import Reference

_FATAL = re.compile(r'level=fatal msg="((?:[^"\\]|\\.)*)"')
_UNREACHABLE = re.compile(r'((?:Get|Head|Post|Put|Patch) "?https?://.*)', re.DOTALL)
_CONNECTION = (
    "dial tcp",
    "no such host",
    "i/o timeout",
    "Client.Timeout",
    "TLS handshake timeout",
    "network is unreachable",
)
_NO_TAGS = "fetching tags list: invalid status code from registry 404"
_LIMIT = 500


class Unreachable(SystemFailure):
    """No registry answered: check its name, the network and the proxy."""


def complaint(stderr: bytes) -> str:
    """Return the reason in skopeo's output."""
    text = stderr.decode(errors="replace")
    found = _FATAL.findall(text)
    if not found:
        return text.strip()[-_LIMIT:] or "skopeo failed without a word"
    try:
        return str(json.loads(f'"{found[-1]}"'))
    except ValueError:
        return str(found[-1])


def pull_failure(reference: Reference, reason: str) -> WeftError:
    """Return the error of a pull for what skopeo said."""
    if "manifest unknown" in reason:
        return NotFound(
            f"manifest for {reference.familiar} not found: manifest unknown: {_after(reason, 'manifest unknown')}"
        )
    if _NO_TAGS in reason:
        unknown = "name unknown: repository name not known to registry"
        return NotFound(f"repository {reference.familiar_name} not found: {unknown}")
    if "name unknown" in reason:
        cause = f"name unknown: {_after(reason, 'name unknown')}"
        return NotFound(f"repository {reference.familiar_name} not found: {cause}")
    if "denied" in reason or "insufficient_scope" in reason:
        return NotFound(
            f"pull access denied for {reference.familiar_name}, repository does not exist or may require "
            "'docker login': denied: requested access to the resource is denied"
        )
    return registry_failure(reason)


def push_failure(reason: str) -> WeftError:
    """Return the error of a push for what skopeo said."""
    if "denied" in reason or "insufficient_scope" in reason:
        return Unauthorized("denied: requested access to the resource is denied")
    return registry_failure(reason)


def registry_failure(reason: str) -> WeftError:
    """Return the error for a registry that did not answer, or not as hoped."""
    if any(word in reason for word in _CONNECTION):
        found = _UNREACHABLE.search(reason)
        return Unreachable(found.group(1) if found else reason)
    if "authentication required" in reason or "unauthorized" in reason or "invalid username/password" in reason:
        return Unauthorized("unauthorized: authentication required")
    found = _UNREACHABLE.search(reason)
    return SystemFailure(found.group(1) if found else reason)


def _after(reason: str, code: str) -> str:
    """Return the message that a registry sent after its error code."""
    message = reason.rpartition(f"{code}: ")[2].splitlines()[0] if f"{code}: " in reason else ""
    return message or code
