"""Counts failures per client address, in a table of fixed size, and says when there are too many.

Memory and time are constant: the table has a slot for each remainder of an address's hash. Two
addresses with the same slot share its limit.
"""

import math
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

MAX_FAILURES = 20  # of one slot, in one window
WINDOW_SECONDS = 60.0
SLOT_COUNT = 256

# A holder of IPv6 addresses has at least this many bits of them for free.
_HOST_BITS = 64


@dataclass(slots=True)
class _Slot:
    started_at: float
    count: int = 0
    unlogged: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that was counted.

    `retry_after_seconds` is None as long as the limit isn't reached. `is_logged` says whether to
    log it: at most two of each window are, the first one and the first above the limit. `unlogged`
    counts those of the slot that were not logged since the last one that was.
    """

    retry_after_seconds: int | None
    is_logged: bool
    unlogged: int


class FailureLimiter:
    """The failures that one process counts."""

    def __init__(self) -> None:
        self._slots: list[_Slot | None] = [None] * SLOT_COUNT

    def count(self, address: str, at: float) -> Failure:
        """Count a failure of the address at this time, in seconds of a monotonic clock."""
        # Python's hash of a text has a secret key, so nobody can choose addresses of one slot.
        number = hash(_network(address)) % SLOT_COUNT
        slot = self._slots[number]
        if slot is None or at >= slot.started_at + WINDOW_SECONDS:
            slot = self._slots[number] = _Slot(at, unlogged=slot.unlogged if slot else 0)
        slot.count += 1
        is_logged = slot.count in {1, MAX_FAILURES + 1}
        unlogged, slot.unlogged = slot.unlogged, 0 if is_logged else slot.unlogged + 1
        remaining = slot.started_at + WINDOW_SECONDS - at

        return Failure(
            retry_after_seconds=math.ceil(remaining) if slot.count > MAX_FAILURES else None,
            is_logged=is_logged,
            unlogged=unlogged,
        )


def _network(address: str) -> str:
    """Return what one client can't easily change of its address."""
    try:
        parsed = ip_address(address)
    except ValueError:  # for example, the peer of a Unix socket
        return ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)

    return str(int(parsed) >> _HOST_BITS)
