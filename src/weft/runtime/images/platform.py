"""Platforms of images: `linux/arm64/v8` (OCI image-spec 1.1, image index)."""

import os
from dataclasses import dataclass

from weft.model.errors import InvalidParameter

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
    "i386": ("386", ""),
    "armhf": ("arm", "v7"),
}
_IMPLIED = {("arm64", "v8"), ("amd64", "v1")}


@dataclass(frozen=True, slots=True)
class Platform:
    """Operating system, architecture and variant in Go's words."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def normalised(self) -> "Platform":
        """Return it with the kernel's names translated and implied variants left out."""
        architecture, variant = _ARCHITECTURES.get(self.architecture, (self.architecture, self.variant))
        variant = self.variant or variant
        return Platform(self.os.lower(), architecture, "" if (architecture, variant) in _IMPLIED else variant)

    def accepts(self, offered: "Platform") -> bool:
        """Whether an image for `offered` runs where this platform is asked for."""
        mine, theirs = self.normalised(), offered.normalised()
        same = (mine.os, mine.architecture) == (theirs.os, theirs.architecture)
        return same and (not mine.variant or not theirs.variant or mine.variant == theirs.variant)


def host_platform() -> Platform:
    """Return the platform of this machine."""
    return Platform("linux", os.uname().machine).normalised()


def parse_platform(text: str) -> Platform:
    """Return the platform that `--platform` names, this machine's for ""; raises InvalidParameter."""
    if not text:
        return host_platform()
    parts = text.split("/")
    if len(parts) > 3 or not all(part.replace("_", "").replace(".", "").isalnum() for part in parts):
        raise InvalidParameter(f'"{text}": unknown platform: write it as os/architecture[/variant], as linux/arm64')
    if len(parts) == 1:
        parts = ["linux", *parts] if parts[0] != "linux" else ["linux", host_platform().architecture]
    return Platform(*parts).normalised()
