"""The built-in image: `busybox`, made of Debian's busybox-static when it is first used."""

import asyncio
import io
import re
import struct
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from weft.model.image import ImageConfig, ImageHistory, ImageRecord
from weft.runtime.images.platform import host_platform
from weft.runtime.images.reference import DEFAULT_DOMAIN, DEFAULT_TAG, Reference

PROGRAM = Path("/bin/busybox")
_REPOSITORY = (DEFAULT_DOMAIN, "library/busybox")
_BANNER = re.compile(r"BusyBox v(\S+)")
_PT_INTERP = 3
_CONFIG = ImageConfig(cmd=("sh",), env=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",))
_DIRECTORIES = {
    "bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "proc": 0o755, "root": 0o700, "run": 0o755,
    "sbin": 0o755, "sys": 0o755, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "usr/local": 0o755,
    "usr/local/bin": 0o755, "usr/sbin": 0o755, "var": 0o755, "var/log": 0o755, "var/spool": 0o755,
    "var/tmp": 0o1777, "var/www": 0o755,
}  # fmt: skip
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
    "bin:x:2:2:bin:/bin:/bin/false\nsys:x:3:3:sys:/dev:/bin/false\nmail:x:8:8:mail:/var/spool/mail:/bin/false\n"
    "www-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    "etc/group": "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\ntty:x:5:\nmail:x:8:\nwheel:x:10:root\nwww-data:x:33:\n"
    "staff:x:50:\nusers:x:100:\nnogroup:x:65534:\n",
    # The C library's own default would ask DNS before /etc/hosts.
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_BIN = "bin/busybox"


@dataclass(frozen=True, slots=True)
class Busybox:
    """The program on this machine: its version, and the paths of its applets without the leading slash."""

    program: Path
    version: str
    applets: tuple[str, ...]

    def record(self) -> ImageRecord:
        """Return the image's record, still without layers; the same on every machine with the same package."""
        created = datetime.fromtimestamp(int(self.program.stat().st_mtime), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        platform = host_platform()
        return ImageRecord(
            id="",
            created=created,
            architecture=platform.architecture,
            variant=platform.variant,
            config=_CONFIG,
            history=(ImageHistory(created=created, created_by=f"busybox-static {self.version}", comment="built in"),),
        )

    def write_layer(self, target: Path) -> None:
        """Write the root file system as a tar file, byte for byte the same each time; blocks."""
        with tarfile.open(target, "x:", format=tarfile.GNU_FORMAT) as tar:
            for name, mode in _DIRECTORIES.items():
                tar.addfile(_member(name, tarfile.DIRTYPE, mode))
            for name, text in _FILES.items():
                _add_file(tar, name, text.encode(), 0o644)
            _add_file(tar, _BIN, self.program.read_bytes(), 0o755)
            for applet in self.applets:
                link = _member(applet, tarfile.LNKTYPE, 0o755)  # cheaper to unpack than symbolic links, by far
                link.linkname = _BIN
                tar.addfile(link)


def is_builtin_repository(reference: Reference) -> bool:
    """Whether a reference is one of the repository whose images can be built in."""
    return (reference.domain, reference.path) == _REPOSITORY


async def find_busybox(reference: Reference, program: Path = PROGRAM) -> Busybox | None:
    """Return the program if a static busybox is installed and `reference` names its image, else None.

    Its names are `busybox`, `busybox:latest` and `busybox:<version>`.
    """
    if not is_builtin_repository(reference) or reference.digest or not is_static(program):
        return None
    banner = _BANNER.search(await _output(program))
    if banner is None or reference.tag not in ("", DEFAULT_TAG, banner[1]):
        return None
    names = (name.strip("/") for name in (await _output(program, "--list-full")).split())
    applets = tuple(sorted(name for name in names if name != _BIN and name.rpartition("/")[0] in _DIRECTORIES))
    return Busybox(program, banner[1], applets)


def is_static(program: Path) -> bool:
    """Whether a file is an ELF program that needs no dynamic linker (elf(5)): no libraries come with the image."""
    try:
        with program.open("rb") as file:
            head = file.read(64)
            if head[:5] != b"\x7fELF\x02":
                return False
            order = "<" if head[5] == 1 else ">"
            offset = struct.unpack_from(order + "Q", head, 32)[0]
            size, count = struct.unpack_from(order + "HH", head, 54)
            file.seek(offset)
            table = file.read(size * count)
    except OSError:
        return False
    kinds = {struct.unpack_from(order + "I", table, at)[0] for at in range(0, len(table) - 3, size)}
    return bool(kinds) and _PT_INTERP not in kinds


async def _output(program: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode(errors="replace")


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, mode, 0
    return info


def _add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    info = _member(name, tarfile.REGTYPE, mode)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
