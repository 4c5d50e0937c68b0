"""Image references as users write and read them (distribution/reference grammar)."""

from __future__ import annotations

import re

DEFAULT_DOMAIN = "docker.io"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    r"(?:(?P<domain>(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*"
    r"|\[[a-fA-F0-9:]+\])(?::[0-9]+)?)/)?"
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_ID = re.compile(r"[0-9a-f]{64}")


class Reference:
    """A name with an optional tag and digest; `name` is familiar: without docker.io/ and library/."""

    __slots__ = ("digest", "domain", "path", "tag")

    def __init__(self, domain: str, path: str, tag: str, digest: str) -> None:
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest

    @property
    def name(self) -> str:
        if self.domain != DEFAULT_DOMAIN:
            return f"{self.domain}/{self.path}"
        short = self.path.removeprefix("library/")
        return self.path if "/" in short else short

    @property
    def full(self) -> str:
        """The whole reference: docker.io/library/busybox:latest."""
        return f"{self.domain}/{self.path}{self._suffix}"

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.name + self._suffix

    def with_default_tag(self) -> Reference:
        """Return it with the tag latest where it has neither tag nor digest."""
        if self.tag or self.digest:
            return self
        return Reference(self.domain, self.path, "latest", "")


def parse_reference(text: str) -> Reference:
    """Return the reference; raises ValueError with docker's text."""
    if _ID.fullmatch(text):
        raise ValueError(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, rest = _domain_and_rest(text)
    found = _NAME.fullmatch(f"{domain}/{rest}")
    if found is None or found["domain"] != domain:
        lowered = text.lower()
        if lowered != text and _NAME.fullmatch(lowered):
            raise ValueError(f"invalid reference format: repository name ({rest.split(':')[0]}) must be lowercase")
        raise ValueError("invalid reference format")
    return Reference(domain, found["path"], found["tag"] or "", found["digest"] or "")


def _domain_and_rest(text: str) -> tuple[str, str]:
    head, slash, rest = text.partition("/")
    named = slash and ("." in head or ":" in head or head == "localhost" or head.lower() != head)
    if not named:
        head, rest = DEFAULT_DOMAIN, text
    if head == "index.docker.io":
        head = DEFAULT_DOMAIN
    if head == DEFAULT_DOMAIN and "/" not in rest:
        rest = f"library/{rest}"
    return head, rest


def short_id(identifier: str) -> str:
    """Return the first twelve digits, without the algorithm's name."""
    return identifier.partition(":")[2][:12] if ":" in identifier else identifier[:12]


def familiar(image: str, image_id: str) -> str:
    """Return the IMAGE column of `ps`: the familiar name without a digest, or the short id."""
    if not image:
        return "<no image>"
    if short_id(image_id) == short_id(image):
        return short_id(image_id)
    try:
        reference = parse_reference(image)
    except ValueError:
        return image
    return f"{reference.name}:{reference.tag}" if reference.tag else reference.name
