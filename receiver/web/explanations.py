"""Adds to jobs that lack their transcript what may explain it."""

from collections.abc import Sequence

from receiver.store.jobs.gaps import explain_gaps
from receiver.store.jobs.read import Row
from receiver.web.database import query
from receiver.web.transcript_state import lacks_transcript


def add_explanations(rows: Sequence[Row]) -> list[Row]:
    """Return the jobs; those that lack their transcript get the members that may explain it."""
    ids = [row["id"] for row in rows if lacks_transcript(row)]
    found = query(explain_gaps, ids) if ids else {}

    return [{**row, **found.get(row["id"], {})} for row in rows]
