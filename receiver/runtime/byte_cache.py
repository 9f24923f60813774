"""A cache of bytes with a limit of size: the least recently used entries leave it first."""

import threading
from collections import OrderedDict
from collections.abc import Hashable


class ByteCache:
    """Bytes by key, at most `max_bytes` in total. A larger value isn't cached."""

    def __init__(self, *, max_bytes: int) -> None:
        self._free_bytes = max_bytes
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> bytes | None:
        """Return the value of the key, None if it isn't cached."""
        with self._lock:
            value = self._entries.get(key)
            if value is not None:
                self._entries.move_to_end(key)

        return value

    def put(self, key: Hashable, value: bytes) -> None:
        """Cache the value instead of the key's earlier one."""
        with self._lock:
            self._free_bytes += len(self._entries.pop(key, b""))
            if len(value) > self._max_bytes:
                return
            self._entries[key] = value
            self._free_bytes -= len(value)
            while self._free_bytes < 0:
                _, removed = self._entries.popitem(last=False)
                self._free_bytes += len(removed)
