"""Pulls: an image from a registry, or a mirror of it, into the store."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from weakref import WeakValueDictionary

from weft.engine.contract.images import Credentials, Progress
from weft.model.errors import InvalidParameter, NotFound, SystemFailure, WeftError
from weft.model.image import ImageRecord
from weft.runtime.images.catalogue import Catalogue
from weft.runtime.images.configuration import image_id
from weft.runtime.images.endpoint import Endpoints
from weft.runtime.images.failure import pull_failure
from weft.runtime.images.fetch import Fetcher, Source
from weft.runtime.images.manifest import Manifest, ManifestList, parse_manifest
from weft.runtime.images.platform import Platform, host_platform
from weft.runtime.images.progress import Report
from weft.runtime.images.proxy import ProxyError
from weft.runtime.images.reference import Reference
from weft.runtime.images.skopeo import Skopeo, SkopeoError

_log = logging.getLogger(__name__)


class Puller:
    """Pulls images; those that ask for the same reference take turns."""

    def __init__(
        self, catalogue: Catalogue, fetcher: Fetcher, skopeo: Skopeo, endpoints: Endpoints, clock: Callable[[], int]
    ) -> None:
        self._catalogue = catalogue
        self._fetcher = fetcher
        self._skopeo = skopeo
        self._endpoints = endpoints
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def pull(
        self,
        wanted: Reference,
        credentials: Credentials | None,
        platform: Platform | None,
        report: Report,
        *,
        all_tags: bool = False,
        patience: float | None = None,
    ) -> None:
        """Pull from the first registry that has the image; `platform` None is this machine's, where there is a choice.

        `all_tags`: every tag of the repository, whatever the one that is `wanted`. `patience` bounds the
        wait for each registry's first answer, in seconds. Raises what the last one answered.
        """
        turn = self._turns.setdefault(str(wanted), asyncio.Lock())
        async with turn:
            failure: WeftError = SystemFailure(f"{wanted.familiar}: no registry to ask")
            for endpoint in await self._endpoints.pull(wanted):
                with self._skopeo.logged_in(endpoint, credentials) as auth:
                    repository = Source(endpoint, endpoint.locate(wanted), auth)
                    try:
                        images = await self._tags(repository, wanted, patience) if all_tags else [wanted]
                        fresh = [await self._pull_from(repository, each, platform, report, patience) for each in images]
                    except (SkopeoError, ProxyError) as error:
                        failure = pull_failure(wanted, str(error))
                    except WeftError as error:
                        failure = error
                    else:
                        news = "Downloaded newer image for" if any(fresh) else "Image is up to date for"
                        shown = wanted.familiar_name if all_tags else wanted.familiar
                        report(Progress(status=f"Status: {news} {shown}"))
                        return
                    _log.info("pull of %s from %s failed: %s", wanted.familiar, endpoint.host, failure.message)
            raise failure

    async def _tags(self, repository: Source, wanted: Reference, patience: float | None) -> list[Reference]:
        tags = await self._skopeo.tags(repository.endpoint, repository.place, repository.auth, patience)
        return [wanted.tagged(tag) for tag in tags]

    async def _pull_from(
        self, repository: Source, wanted: Reference, platform: Platform | None, report: Report, patience: float | None
    ) -> bool:
        """Return whether it is news."""
        source = replace(repository, place=repository.place + _version(wanted))
        raw = await self._skopeo.manifest(source.endpoint, source.place, source.auth, patience)
        digest = _verified(raw, wanted.digest)
        top = parse_manifest(raw)
        report(Progress(status=f"Pulling from {wanted.path}", id=wanted.digest or wanted.tag))
        source, manifest = await self._resolve(source, wanted, digest, top, platform)
        before = self._catalogue.named(wanted)
        record = self._catalogue.get(manifest.config.digest)
        if record is None:
            record = await self._fetcher.fetch(source, manifest, report, lambda it: _check(it, wanted, platform))
        else:
            _check(record, wanted, platform)
        name = replace(wanted, tag="", digest="") if wanted.digest else wanted
        self._catalogue.name(record.id, name, digest=digest, now=self._clock())
        report(Progress(status=f"Digest: {digest}"))
        return before is None or before.id != record.id

    async def _resolve(
        self, source: Source, wanted: Reference, digest: str, top: Manifest | ManifestList, platform: Platform | None
    ) -> tuple[Source, Manifest]:
        """Return the one image that is meant, its source pinned to its digest."""
        place = source.endpoint.locate(wanted)
        if isinstance(top, Manifest):
            return replace(source, place=f"{place}@{digest}"), top
        chosen = top.choose(platform or host_platform())
        source = replace(source, place=f"{place}@{chosen.digest}")
        raw = await self._skopeo.manifest(source.endpoint, source.place, source.auth)
        _verified(raw, chosen.digest)
        manifest = parse_manifest(raw)
        if isinstance(manifest, ManifestList):
            raise InvalidParameter(f"invalid manifest: {wanted.familiar} is a list of lists")
        return source, manifest


def _version(wanted: Reference) -> str:
    return f"@{wanted.digest}" if wanted.digest else f":{wanted.tag}"


def _verified(raw: bytes, promised: str) -> str:
    """Return a manifest's digest; raises InvalidParameter if another was promised."""
    digest = image_id(raw)
    if promised and digest != promised:
        raise InvalidParameter(f"manifest verification failed for digest {promised}: it is {digest}")
    return digest


def _check(record: ImageRecord, wanted: Reference, platform: Platform | None) -> None:
    """Raise NotFound if a platform was asked for and the image is made for another."""
    actual = Platform(record.os, record.architecture, record.variant)
    if platform is not None and not platform.accepts(actual):
        raise NotFound(
            f"image with reference {wanted.familiar} was found but its platform ({actual}) does not match the "
            f"specified platform ({platform})"
        )
