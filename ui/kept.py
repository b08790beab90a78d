"""What all visitors share and nobody changes, kept in memory.

Like `st.cache_resource`, whose every hit costs a quarter of a millisecond, since it asks for the function's signature
and hashes each argument; a move of the slider makes two dozen. Here a hit costs a microsecond.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any, Generic, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

_NOTHING: Any = object()
_ALL: weakref.WeakSet[Memory[Any]] = weakref.WeakSet()


class Memory(Generic[Value]):
    """Values by key, at most so many; the oldest goes first."""

    def __init__(self, *, max_entries: int) -> None:
        self._most = max_entries
        self._values: dict[Hashable, Value] = {}
        self._making: dict[Hashable, threading.Lock] = {}
        self._changing = threading.Lock()
        _ALL.add(self)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Returns the value of a key, made once for all who ask at the same time; whatever `make` raises, it raises."""
        found: Value = self._values.get(key, _NOTHING)
        return self._make(key, make) if found is _NOTHING else found

    def forget(self, key: Hashable) -> None:
        """Makes the value of a key anew when it is asked for next."""
        with self._changing:
            self._values.pop(key, None)

    def forget_all(self) -> None:
        """Makes every value anew."""
        with self._changing:
            self._values.clear()

    def _make(self, key: Hashable, make: Callable[[], Value]) -> Value:
        with self._changing:
            mine = self._making.setdefault(key, threading.Lock())
        with mine:
            found: Value = self._values.get(key, _NOTHING)
            try:
                return self._keep(key, make()) if found is _NOTHING else found
            finally:
                with self._changing:
                    self._making.pop(key, None)

    def _keep(self, key: Hashable, value: Value) -> Value:
        with self._changing:
            self._values[key] = value
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
        return value


class Kept(Generic[Arguments, Value]):
    """A function that is called once for the same arguments."""

    def __init__(
        self, function: Callable[Arguments, Value], *, max_entries: int, unless: Callable[[Value], object] | None
    ) -> None:
        self._function, self._unless = function, unless
        self._memory: Memory[Value] = Memory(max_entries=max_entries)
        self.__doc__ = function.__doc__

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        """Returns what the function returned, or calls it."""
        key = _key(args, kwargs)
        found = self._memory.get(key, lambda: self._function(*args, **kwargs))
        if self._unless is not None and self._unless(found):
            self._memory.forget(key)
        return found

    def clear(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        """Forgets what the function returned for these arguments; without any, all that it returned."""
        if args or kwargs:
            self._memory.forget(_key(args, kwargs))
        else:
            self._memory.forget_all()


def kept(
    *, max_entries: int, unless: Callable[[Any], object] | None = None
) -> Callable[[Callable[Arguments, Value]], Kept[Arguments, Value]]:
    """Keeps what a function returns, by its arguments, which must be hashable; what it raises is not kept.

    Nor is what `unless` is true of.
    """
    return lambda function: Kept(function, max_entries=max_entries, unless=unless)


def forget_everything() -> None:
    """Empties every memory; for tests."""
    for memory in list(_ALL):
        memory.forget_all()


def _key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    return (args, tuple(sorted(kwargs.items()))) if kwargs else args
