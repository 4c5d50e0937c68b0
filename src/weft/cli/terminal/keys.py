"""The key sequence that detaches: ctrl-p,ctrl-q unless told otherwise."""

from __future__ import annotations

from weft.model.errors import InvalidParameter

DEFAULT = bytes((16, 17))
_CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_"


def parse_keys(text: str) -> bytes:
    """Return the bytes of `a,ctrl-b,…`, the default for ""; raises InvalidParameter."""
    if not text:
        return DEFAULT
    result = bytearray()
    for key in text.split(","):
        control = key.lower().removeprefix("ctrl-")
        if len(key) == 1:
            result += key.encode()
        elif control != key.lower() and len(control) == 1 and control in _CONTROL:
            result.append(_CONTROL.index(control))
        else:
            raise InvalidParameter(f"invalid detach keys ({text}): Unknown character: '{key}'")
    return bytes(result)


class Detector:
    """Watches input for the sequence; keys that may begin it are held back until that is decided."""

    def __init__(self, sequence: bytes) -> None:
        self._sequence = sequence
        self._matched = 0

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Return (what to send on, whether the whole sequence was typed)."""
        sent = bytearray()
        for byte in data:
            if byte == self._sequence[self._matched]:
                self._matched += 1
                if self._matched == len(self._sequence):
                    self._matched = 0
                    return bytes(sent), True
                continue
            sent += self._sequence[: self._matched]
            self._matched = 1 if byte == self._sequence[0] else 0
            if not self._matched:
                sent.append(byte)
        return bytes(sent), False
