"""Counts how complete the transcripts are: rarely, because the count reads every job."""

from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from receiver.services import services
from receiver.store.clock import database_now
from receiver.store.completeness.figures import completeness
from receiver.store.statement_timeout import StatementTimeoutError
from receiver.web.database import query_bounded
from receiver.web.problems import ProblemError

_RETRY_AFTER_SECONDS = 60

# The members of the schema Completeness; None if the count took too long.
Figures = dict[str, Any] | None


def get_figures(account_id: str | None) -> dict[str, Any]:
    """Return what the schema Completeness renders, of one account or of all if it is None.

    Raises ProblemError 503.
    """
    figures = services().completeness[account_id].get(partial(_count, account_id))
    if figures is None:
        raise ProblemError(
            503,
            f"The jobs could not be counted within {services().limits.count_seconds:g} s. "
            "The command `completeness` has no such limit.",
            headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
        )

    return figures


def _count(account_id: str | None) -> Figures:
    try:
        return query_bounded(services().limits.count_seconds, _figures_now, account_id)
    except StatementTimeoutError:
        return None


def _figures_now(connection: Connection, account_id: str | None) -> dict[str, Any]:
    settings, now = services().settings, database_now(connection)
    grace = timedelta(seconds=settings.reconcile_grace_seconds)
    figures = completeness(connection, at=now, grace=grace, account_id=account_id)
    if account_id not in {None, settings.account_sid}:
        # Twilio's list was read for TWILIO_ACCOUNT_SID only.
        figures = replace(figures, since=None)

    return {**asdict(figures), "as_of": now}
