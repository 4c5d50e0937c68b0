"""What a plugin answered: read with suspicion, refused with the plugin's name, the method and the field."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import Any

from weft.model.address import Address, Interface
from weft.model.errors import SystemFailure

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
_LINK = re.compile(r"[A-Za-z0-9_@+=-][A-Za-z0-9_.@+=-]{0,14}")


@dataclass(frozen=True, slots=True)
class Answer:
    """One JSON object; `where` begins every complaint. Keys are found in any case, as Go's decoder does."""

    where: str
    fields: Mapping[str, Any]

    @classmethod
    def parse(cls, where: str, reply: bytes) -> "Answer":
        """Return the object in `reply`; an empty reply is an empty object. Raises SystemFailure."""
        if not reply.strip():
            return cls(where, {})
        try:
            content = json.loads(reply)
        except (ValueError, RecursionError) as error:
            raise SystemFailure(f"{where} answered what is not JSON: {str(error)[:100]}") from error
        return cls(where, _fields(where, "the answer", content))

    def _get(self, key: str) -> Any:
        return self.fields.get(key.lower())

    def refuse(self, key: str, wanted: str) -> SystemFailure:
        """Return the error for a field that is not what it should be."""
        return SystemFailure(f"{self.where} answered nonsense: {key} is {_shown(self._get(key))}, not {wanted}")

    def text(self, key: str) -> str:
        """Return a text, "" where it is absent."""
        value = self._get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or "\0" in value:
            raise self.refuse(key, "a text")
        return value

    def flag(self, key: str) -> bool:
        """Return a boolean, False where it is absent."""
        value = self._get(key)
        if value is not None and not isinstance(value, bool):
            raise self.refuse(key, "a boolean")
        return bool(value)

    def number(self, key: str, default: int = 0) -> int:
        """Return a whole number, `default` where it is absent."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(key, "a number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where it is absent."""
        value = self._get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.refuse(key, "a list of texts")
        return tuple(value)

    def pairs(self, key: str) -> dict[str, str]:
        """Return an object of texts, empty where it is absent."""
        value = self._get(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise self.refuse(key, "an object of texts")
        return value

    def object(self, key: str) -> "Answer | None":
        """Return an object within, None where it is absent."""
        value = self._get(key)
        return None if value is None else Answer(self.where, _fields(self.where, key, value))

    def objects(self, key: str) -> Iterator["Answer"]:
        """Yield the objects of a list."""
        value = self._get(key)
        if value is not None and not isinstance(value, list):
            raise self.refuse(key, "a list")
        for each in value or ():
            yield Answer(self.where, _fields(self.where, key, each))

    def address(self, key: str) -> Address | None:
        """Return an address, None where it is absent."""
        value = self.text(key)
        try:
            return ip_address(value) if value else None
        except ValueError:
            raise self.refuse(key, "an address") from None

    def interface(self, key: str, version: int = 0) -> Interface | None:
        """Return an address with its prefix length, of IP `version` unless that is 0; None where it is absent."""
        value = self.text(key)
        if not value:
            return None
        try:
            found = ip_interface(value)
        except ValueError:
            found = None
        if found is None or "/" not in value or (version and found.version != version):
            raise self.refuse(key, f"an IPv{version} address/prefix" if version else "an address/prefix")
        return found

    def mac(self, key: str) -> str:
        """Return a MAC address in lower case, "" where it is absent."""
        value = self.text(key)
        if value and not _MAC.fullmatch(value):
            raise self.refuse(key, "a MAC address")
        return value.lower()

    def link(self, key: str) -> str:
        """Return an interface's name, "" where it is absent."""
        value = self.text(key)
        if value and not _LINK.fullmatch(value):
            raise self.refuse(key, "an interface name")
        return value


def _fields(where: str, what: str, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise SystemFailure(f"{where} answered nonsense: {what} is {_shown(content)}, not an object")
    return {key.lower(): value for key, value in content.items()}


def _shown(value: Any) -> str:
    return repr(value)[:80]
