"""Finds the Transcription Configurations that recent jobs used."""

from sqlalchemy import Connection, func, select

from receiver.store.jobs.account import of_account
from receiver.store.tables import transcriptions

_job = transcriptions.c
# Older jobs are not included: Twilio may no longer have their configurations.
_MAX_JOB_COUNT = 1000


def configurations_in_use(connection: Connection, *, account_id: str | None) -> list[str]:
    """Return the configuration ids of the newest jobs, the most recently used first.

    `account_id` limits them to one account; None means all accounts.
    """
    newest = (
        select(_job.configuration_id, _job.sort_at)
        .where(_job.configuration_id.is_not(None), *of_account(account_id))
        .order_by(_job.sort_at.desc(), _job.id.desc())
        .limit(_MAX_JOB_COUNT)
    )
    used = newest.cte("newest").c
    statement = (
        select(used.configuration_id)
        .group_by(used.configuration_id)
        .order_by(func.max(used.sort_at).desc(), used.configuration_id)
    )

    return list(connection.execute(statement).scalars())
