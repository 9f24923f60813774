"""Which Transcription Configurations our jobs were made with."""

from sqlalchemy import Connection, func, select

from receiver.store.tables import transcriptions

_job = transcriptions.c
# Looked at: what was in use before that may be gone at Twilio for good.
_NEWEST = 1000


def configurations_in_use(connection: Connection, *, account_id: str | None) -> list[str]:
    """Return the ids that the newest jobs name, of one account if it is known; newest first."""
    newest = (
        select(_job.configuration_id, _job.sort_at)
        .where(_job.configuration_id.is_not(None))
        .order_by(_job.sort_at.desc(), _job.id.desc())
        .limit(_NEWEST)
    )
    if account_id is not None:
        newest = newest.where(_job.account_id == account_id)
    used = newest.cte("newest").c
    statement = (
        select(used.configuration_id)
        .group_by(used.configuration_id)
        .order_by(func.max(used.sort_at).desc(), used.configuration_id)
    )

    return list(connection.execute(statement).scalars())
