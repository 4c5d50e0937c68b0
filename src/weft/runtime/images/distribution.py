"""What a registry has under a name: digest, size and platforms, without fetching the image."""

import json
from dataclasses import dataclass

from weft.engine.contract.images import Credentials, Distribution
from weft.model.errors import SystemFailure, WeftError
from weft.runtime.images.configuration import image_id
from weft.runtime.images.endpoint import Endpoint, Endpoints
from weft.runtime.images.failure import pull_failure
from weft.runtime.images.manifest import DOCKER_MANIFEST, ManifestList, parse_manifest
from weft.runtime.images.platform import Platform
from weft.runtime.images.reference import Reference
from weft.runtime.images.skopeo import Skopeo, SkopeoError


@dataclass(frozen=True, slots=True)
class Inspector:
    """Asks registries, and mirrors of Docker Hub before it."""

    skopeo: Skopeo
    endpoints: Endpoints

    async def inspect(self, wanted: Reference, credentials: Credentials | None) -> Distribution:
        """Return what the first registry that has the image says of it; raises what the last one answered."""
        failure: WeftError = SystemFailure(f"{wanted.familiar}: no registry to ask")
        for endpoint in await self.endpoints.pull(wanted):
            try:
                return await self._ask(endpoint, wanted, credentials)
            except SkopeoError as error:
                failure = pull_failure(wanted, str(error))
            except WeftError as error:
                failure = error
        raise failure

    async def _ask(self, endpoint: Endpoint, wanted: Reference, credentials: Credentials | None) -> Distribution:
        with self.skopeo.logged_in(endpoint, credentials) as auth:
            place = endpoint.locate(wanted) + (f"@{wanted.digest}" if wanted.digest else f":{wanted.tag}")
            raw = await self.skopeo.manifest(endpoint, place, auth)
            manifest = parse_manifest(raw)
            if isinstance(manifest, ManifestList):
                platforms = tuple(_words(each.platform) for each in manifest.manifests if each.platform is not None)
            else:
                configuration = json.loads(await self.skopeo.configuration(endpoint, place, auth))
                names = (str(configuration.get(key) or "") for key in ("os", "architecture", "variant"))
                platforms = (_words(Platform(*names)),)
        media_type = str(json.loads(raw).get("mediaType") or DOCKER_MANIFEST)
        return Distribution(digest=image_id(raw), media_type=media_type, size=len(raw), platforms=platforms)


def _words(platform: Platform) -> tuple[str, str, str]:
    return platform.os, platform.architecture, platform.variant
