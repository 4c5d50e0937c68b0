"""Which public methods of a client's classes have been used: so that a test can name those that were not."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


class Walk:
    """While entered, records every use of a public method or property that one of `classes` itself defines."""

    def __init__(self, *classes: type) -> None:
        self._kept = {
            (owner, name): value for owner in classes for name, value in vars(owner).items() if _is_public(name, value)
        }
        self._used: set[str] = set()

    def __enter__(self) -> Walk:
        for (owner, name), value in self._kept.items():
            setattr(owner, name, self._recorded(f"{owner.__name__}.{name}", value))
        return self

    def __exit__(self, *_: object) -> None:
        for (owner, name), value in self._kept.items():
            setattr(owner, name, value)

    @property
    def left(self) -> set[str]:
        """`Class.method` of all that were not used so far."""
        return {f"{owner.__name__}.{name}" for owner, name in self._kept} - self._used

    def _recorded(self, name: str, value: Any) -> Any:
        match value:
            case property():
                assert value.fget is not None
                return property(self._wrapped(name, value.fget))
            case classmethod():
                return classmethod(self._wrapped(name, value.__func__))
            case _:
                return self._wrapped(name, value)

    def _wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*arguments: Any, **options: Any) -> Any:
            self._used.add(name)
            return function(*arguments, **options)

        return wrapper


def _is_public(name: str, value: object) -> bool:
    return not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property | classmethod))
