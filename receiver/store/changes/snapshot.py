"""Snapshots of the database: which transactions were visible at a moment.

A transaction gets its number when it begins to write, and becomes visible when it commits, in any
order. So no single number says what a consumer has seen, but a snapshot does.
"""

from dataclasses import dataclass
from typing import Self

# A cursor contains two snapshots, and has to fit into a URL. If more transactions write at the same
# time, the changes of the later ones wait until some of these end.
MAX_IN_PROGRESS = 150


@dataclass(frozen=True)
class Snapshot:
    """The visible transactions are those below `end` that were not in progress."""

    end: int
    in_progress: tuple[int, ...] = ()  # ascending, all below `end`

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the snapshot from the text of a `pg_snapshot`, which is `xmin:xmax:xip,xip`."""
        _, end, in_progress = text.split(":")

        return cls(int(end), tuple(map(int, filter(None, in_progress.split(",")))))

    def before(self, end: int) -> "Snapshot":
        """Return the snapshot without the transactions from `end` on.

        If too many are in progress, it ends earlier.
        """
        in_progress = tuple(each for each in self.in_progress if each < end)
        if len(in_progress) > MAX_IN_PROGRESS:
            end, in_progress = in_progress[MAX_IN_PROGRESS], in_progress[:MAX_IN_PROGRESS]

        return Snapshot(min(end, self.end), in_progress)

    def covers(self, other: "Snapshot") -> bool:
        """Return whether all transactions that are visible in the other are visible in this one."""
        hidden = (each for each in self.in_progress if each < other.end)

        return other.end <= self.end and set(hidden) <= set(other.in_progress)

    def ended_since(self, earlier: "Snapshot") -> tuple[int, ...]:
        """Return the transactions that were in progress in the earlier snapshot, and ended since.

        Those from the earlier snapshot's end on are not among them.
        """
        still = set(self.in_progress)

        return tuple(each for each in earlier.in_progress if each < self.end and each not in still)


# Nothing is visible in it.
BEGINNING = Snapshot(0)
