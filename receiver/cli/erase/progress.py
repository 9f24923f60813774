"""Shows the progress of an erasure or a verification: a bar for each place that is searched."""

from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine

from receiver.cli.output import progress_bar
from receiver.store.erasure.scopes import estimate_rows


class PlaceProgress:
    """Shows one bar at a time. The number of a place's rows is estimated unless it is given."""

    def __init__(self, engine: Engine, **lengths: int) -> None:
        self._engine = engine
        self._lengths = lengths
        self._place: str | None = None
        self._bar: Any = None

    def report(self, place: str, rows: int) -> None:
        """Show that so many more rows of the place are done.

        Without a terminal only the label is printed, which must not look like a finding.
        """
        if place != self._place:
            self._close(is_done=True)
            self._place = place
            self._bar = progress_bar(label=f"Searching {place}", length=self._length(place))
            self._bar.__enter__()
        # An estimate may be too low, and a bar beyond its end is none.
        self._bar.length = max(self._bar.length, self._bar.pos + rows)
        self._bar.update(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close(is_done=error is None)

    def _close(self, *, is_done: bool) -> None:
        if self._bar is not None:
            if is_done:  # an estimate may be too high
                self._bar.update(self._bar.length - self._bar.pos)
            self._bar.__exit__(None, None, None)
        self._bar = None

    def _length(self, place: str) -> int:
        if place in self._lengths:
            return max(1, self._lengths[place])
        with self._engine.connect() as connection:
            return max(1, estimate_rows(connection, place))
