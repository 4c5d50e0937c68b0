"""Headers of a tar stream: ustar, with pax records where that is too small (POSIX.1-2018, pax)."""

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_NUMBERS: Final = {"uid": 8**7, "gid": 8**7, "size": 8**11, "mtime": 8**11}  # the first that ustar has no room for
_NAME: Final = 100  # bytes


@dataclass(slots=True, kw_only=True)
class Header:
    """One entry. Names may hold any byte, as surrogates; `size` and `mtime` are bytes and seconds since the epoch."""

    name: str
    kind: bytes = tarfile.REGTYPE
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = 0
    target: str = ""  # of a link
    device: tuple[int, int] = (0, 0)
    attributes: Mapping[str, bytes] = field(default_factory=dict)  # extended ones

    def encode(self) -> bytes:
        """Return the blocks that come before the entry's content."""
        info = tarfile.TarInfo(self.name)
        info.type, info.mode, info.linkname = self.kind, self.mode, self.target
        info.uid, info.gid, info.size, info.mtime = self.uid, self.gid, self.size, self.mtime
        info.devmajor, info.devminor = self.device
        records = {f"SCHILY.xattr.{key}": value for key, value in self.attributes.items()}
        for key, limit in _NUMBERS.items():
            number = getattr(self, key)
            if not 0 <= number < limit:
                records[key] = str(number).encode()
                setattr(info, key, 0)
        for key, attribute in (("path", "name"), ("linkpath", "linkname")):
            text = getattr(info, attribute)
            if not text.isascii() and (encoded := _utf8(text)) is not None:
                records[key] = encoded
        try:
            block = _ustar(info)
        except ValueError:  # a name is too long
            for key, attribute in (("path", "name"), ("linkpath", "linkname")):
                raw = getattr(info, attribute).encode("utf-8", "surrogateescape")
                if len(raw) > _NAME:
                    records[key] = raw
                    setattr(info, attribute, raw[:_NAME].decode("utf-8", "surrogateescape"))
            block = _ustar(info)
        return _pax(info.name, records) + block if records else block


def padding(size: int) -> bytes:
    """Return what fills the last block of a content of `size` bytes."""
    return bytes(-size % tarfile.BLOCKSIZE)


END: Final = bytes(2 * tarfile.BLOCKSIZE)


def _pax(name: str, records: Mapping[str, bytes]) -> bytes:
    content = b"".join(_record(key.encode("utf-8", "surrogateescape"), value) for key, value in sorted(records.items()))
    info = tarfile.TarInfo("PaxHeaders.0/" + name.rstrip("/").rpartition("/")[2][:40])
    info.type, info.size, info.mode = tarfile.XHDTYPE, len(content), 0o644
    return _ustar(info) + content + padding(len(content))


def _record(key: bytes, value: bytes) -> bytes:
    rest = b" %b=%b\n" % (key, value)
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def _ustar(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")


def _utf8(text: str) -> bytes | None:
    """A name that is not UTF-8 goes as it is: no pax record could say it."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None
