"""Counts how complete the transcripts are: rarely, because the count reads every job."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from receiver.services import services
from receiver.store.completeness.figures import completeness
from receiver.store.time_bound import StatementTimeoutError
from receiver.web.database import query_bounded
from receiver.web.problems import ProblemError

_RETRY_AFTER_SECONDS = 60

# The members of the schema Completeness; None if the count took too long.
Figures = dict[str, Any] | None


def get_figures() -> dict[str, Any]:
    """Return what the schema Completeness renders; raises ProblemError 503."""
    figures = services().completeness.get(_count)
    if figures is None:
        raise ProblemError(
            503,
            f"The jobs could not be counted within {services().limits.count_seconds:g} s. "
            "The command `completeness` has no such limit.",
            headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
        )

    return figures


def _count() -> Figures:
    now = datetime.now(UTC)
    ended_by = now - timedelta(seconds=services().settings.reconcile_grace_seconds)
    try:
        figures = query_bounded(services().limits.count_seconds, completeness, ended_by)
    except StatementTimeoutError:
        return None

    return {**asdict(figures), "as_of": now}
