"""Values that are kept for a few seconds, so that what seldom changes is not read by every request."""

import time
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """A small memory of one process. A value older than `ttl_s` is forgotten; at `most` values it begins anew."""

    def __init__(self, *, ttl_s: float, most: int) -> None:
        self._ttl_s = ttl_s
        self._most = most
        self._values: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        """The value, if it was put not too long ago."""
        found = self._values.get(key)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def put(self, key: K, value: V) -> None:
        """Keep a value from now on."""
        if len(self._values) >= self._most:
            self._values.clear()
        self._values[key] = (time.monotonic() + self._ttl_s, value)

    def forget(self, key: K) -> None:
        """Read it anew the next time."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Read everything anew."""
        self._values.clear()
