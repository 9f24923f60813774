"""The figures of the overview, each with the time at which it was computed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from receiver.metrics.figures import group_of
from receiver.metrics.worker_state import total_of_spools
from receiver.store.metrics.read import FigureSet
from receiver.store.push.endpoints import EndpointState

# The groups that exist for each account too.
_BY_ACCOUNT = {"transcripts", "hours"}


class Spool(NamedTuple):
    """The callbacks that wait on the disks of all machines."""

    files: int
    oldest_at: datetime | None


class Summary:
    """The figures that a key may see: those of all accounts, or of the one that it is bound to."""

    def __init__(self, figures: FigureSet | None, account_id: str | None) -> None:
        """Without `figures`, each figure is unknown."""
        self._figures = figures
        self._account_id = account_id

    def number(self, group: str, name: str) -> int | None:
        """Return a count, None if it isn't known."""
        value = self.group(group).get(name)

        return None if value is None else int(value)

    def moment(self, group: str, name: str) -> datetime | None:
        """Return a time, None if it isn't known, or there is none."""
        value = self.group(group).get(name)

        return None if value is None else datetime.fromtimestamp(value, UTC)

    def group(self, name: str) -> dict[str, float | None]:
        """Return the figures of a group, nothing if it isn't known."""
        row = self._row(name)

        return dict(row.figures) if row is not None and row.figures else {}

    def computed_at(self, group: str) -> datetime | None:
        """Return when the group's figures were computed, None if they aren't known."""
        row = self._row(group)

        return None if row is None else row.computed_at

    @property
    def endpoints(self) -> Mapping[str, EndpointState | None]:
        """The endpoints of push, which get the jobs of all accounts; None: it was never started."""
        return self._figures.endpoints if self._figures and self._account_id is None else {}

    @property
    def unread_tables(self) -> Sequence[str]:
        """The tables whose figures are unknown because they can't be read now."""
        tables = self._figures.tables if self._figures else {}

        return [table for table, reason in tables.items() if reason]

    @property
    def spool(self) -> Spool | None:
        """The spool; None if there is none, or its state isn't known."""
        states = self._figures.states if self._figures and self._account_id is None else ()
        total = total_of_spools(states)
        if total is None:
            return None
        files, oldest_at = total

        return Spool(files, None if oldest_at is None else datetime.fromtimestamp(oldest_at, UTC))

    def _row(self, group: str) -> Any:
        if self._figures is None or (self._account_id is not None and group not in _BY_ACCOUNT):
            return None

        return self._figures.groups.get(group_of(group, self._account_id))
