"""Why a job must be polled, as SQL conditions on the job's row alone."""

import enum
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, literal_column, or_, select

from receiver.store.jobs.gaps import ENDED_AT, GAP
from receiver.store.tables import transcriptions

_job = transcriptions.c


class PollReason(enum.StrEnum):
    """What to get from Twilio."""

    STATUS = "status"  # whether the job has ended
    # The id of the conversation that stores the transcript, or at first whether there is one.
    CONVERSATION = "conversation"
    TRANSCRIPT = "transcript"  # the conversation's transcript, because no callback contained it


# Written as a list of values, because the index of statuses supports this, but not "not ended".
IS_UNFINISHED = and_(_job.status.in_(("PENDING", "RUNNING")), _job.erased_at.is_(None))
_IS_IN_CONVERSATION = and_(GAP, _job.conversation_id.is_not(None))
# It is still unknown whether a conversation stores the transcript.
_IS_STORAGE_UNKNOWN = and_(_job.resolved_configuration.is_(None), _job.transcript_sha256.is_(None))
# A conversation stores the transcript.
IS_STORED_IN_CONVERSATION = (
    # The same text as in the partial index.
    _job.resolved_configuration.op("->>")(literal_column("'conversationConfigurationId'")).is_not(
        None
    )
)
_IS_CONVERSATION_ID_MISSING = and_(
    _job.status == "COMPLETED",
    _job.conversation_id.is_(None),
    _job.erased_at.is_(None),
    or_(IS_STORED_IN_CONVERSATION, _IS_STORAGE_UNKNOWN),
)

# At most one condition is true of a job. Each has an index of its own, but their union has none.
CONDITIONS: dict[PollReason, ColumnElement[bool]] = {
    PollReason.STATUS: IS_UNFINISHED,
    PollReason.TRANSCRIPT: _IS_IN_CONVERSATION,
    PollReason.CONVERSATION: _IS_CONVERSATION_ID_MISSING,
}
POLL_REASON: ColumnElement[str] = case(
    *((condition, reason.value) for reason, condition in CONDITIONS.items())
)


def poll_reason(connection: Connection, job_id: str) -> tuple[PollReason, datetime] | None:
    """Return why the job must be polled now, and when it ended; None if it needs no poll.

    An unfinished job has the time when it was first seen instead of its end.
    """
    statement = select(POLL_REASON, ENDED_AT).where(_job.id == job_id, POLL_REASON.is_not(None))
    row = connection.execute(statement).one_or_none()

    return None if row is None else (PollReason(row[0]), row[1])
