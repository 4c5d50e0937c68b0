"""Detach keys: the sequence that leaves a terminal without ending what runs in it."""

from weft.model.errors import InvalidParameter

DEFAULT = bytes((16, 17))  # ctrl-p, ctrl-q
_CONTROL = {f"ctrl-{chr(code + 96)}": code for code in range(1, 27)} | {
    "ctrl-@": 0,
    "ctrl-[": 27,
    "ctrl-\\": 28,
    "ctrl-]": 29,
    "ctrl-^": 30,
    "ctrl-_": 31,
    "DEL": 127,
}


def parse_keys(text: str) -> bytes:
    """Return the bytes of a sequence such as `ctrl-p,ctrl-q` or `a,b`; "" is the default.

    Raises InvalidParameter with Docker's text for a key that is neither a character nor a control key.
    """
    if not text:
        return DEFAULT
    codes = bytearray()
    for key in text.split(","):
        if key in _CONTROL:
            codes.append(_CONTROL[key])
        elif len(key) == 1 and key.isascii():
            codes.append(ord(key))
        else:
            raise InvalidParameter(f"Invalid detach keys ({text}) provided")
    return bytes(codes)


class DetachScanner:
    """Finds the sequence in a terminal's input; a beginning of it is held back until it is known to be none."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Return (what to pass on, whether the sequence is complete: what follows it is dropped)."""
        if not self._held and self._keys[0] not in data:
            return data, False
        passed = bytearray()
        for byte in data:
            self._held += bytes((byte,))
            while not self._keys.startswith(self._held):
                passed.append(self._held[0])
                self._held = self._held[1:]
            if self._held == self._keys:
                return bytes(passed), True
        return bytes(passed), False
