"""The X-Registry-Auth header: base64url of JSON (Engine API v1.51, Authentication)."""

import base64
import binascii

import msgspec

from weft.api.body import decode
from weft.engine.contract.images import Credentials
from weft.model.errors import InvalidParameter, Unimplemented


class AuthConfig(msgspec.Struct):
    """Registry credentials as clients send them; `auth` is base64 of `user:password`."""

    username: str | None = None
    password: str | None = None
    auth: str | None = None
    email: str | None = None
    serveraddress: str | None = None
    identitytoken: str | None = None
    registrytoken: str | None = None


DECODER = msgspec.json.Decoder(AuthConfig | None)


def decode_registry_auth(header: str) -> Credentials | None:
    """Return the credentials of a header, None where it carries none.

    Raises InvalidParameter `invalid X-Registry-Auth header: …` if it is malformed.
    """
    if not header:
        return None
    padded = header.strip().replace("+", "-").replace("/", "_").rstrip("=")
    try:
        data = base64.urlsafe_b64decode(padded + "=" * (-len(padded) % 4))
        config = decode(data, DECODER)
    except (ValueError, binascii.Error):
        raise InvalidParameter("invalid X-Registry-Auth header: it is not base64url") from None
    except InvalidParameter as error:
        raise InvalidParameter(f"invalid X-Registry-Auth header: {error.message}") from None
    return None if config is None else credentials_of(config)


def credentials_of(config: AuthConfig) -> Credentials | None:
    """Return what a client sent as credentials, None if all of it is empty."""
    if config.registrytoken:
        raise Unimplemented("registrytoken is not supported: send username and password, or identitytoken")
    username, password = config.username or "", config.password or ""
    if not username and config.auth:
        username, password = _split(config.auth)
    if not username and not config.identitytoken:
        return None
    return Credentials(
        username=username,
        password=password,
        identity_token=config.identitytoken or "",
        server=config.serveraddress or "",
    )


def _split(auth: str) -> tuple[str, str]:
    try:
        username, _, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise InvalidParameter("invalid auth: it is not base64 of user:password") from None
    return username, password.rstrip("\0")
