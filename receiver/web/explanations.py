"""Adds to jobs that lack their transcript what may explain it."""

from collections.abc import Sequence

from receiver.store.jobs import gaps
from receiver.store.jobs.read import Row
from receiver.web.database import query


def add_explanations(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the jobs; those that lack their transcript get the members that may explain it."""
    if not any(map(gaps.lacks_transcript, rows)):  # then no connection is needed
        return rows

    return query(gaps.add_explanations, rows)
