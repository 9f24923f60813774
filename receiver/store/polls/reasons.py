"""What a job needs to be asked of Twilio for, in SQL: it follows from the job's row alone."""

import enum

from sqlalchemy import ColumnElement, and_, case, literal_column, or_

from receiver.store.jobs.gaps import GAP
from receiver.store.tables import transcriptions

_job = transcriptions.c


class PollReason(enum.StrEnum):
    """What Twilio is to be asked for."""

    STATUS = "status"  # whether the job is over
    # The id of the conversation that keeps the transcript, or first of all whether one does.
    CONVERSATION = "conversation"
    TRANSCRIPT = "transcript"  # what the conversation says, since no callback brought it


# So, and not as "none of those that are over", it is what the index of statuses knows.
IS_UNFINISHED = _job.status.in_(("PENDING", "RUNNING"))
_IS_IN_CONVERSATION = and_(GAP, _job.conversation_id.is_not(None))
# Whether a conversation keeps the transcript nobody has told yet.
_IS_UNTOLD = and_(_job.resolved_configuration.is_(None), _job.transcript_sha256.is_(None))
IS_TO_BE_STORED = (
    # As the partial index writes it.
    _job.resolved_configuration.op("->>")(literal_column("'conversationConfigurationId'")).is_not(
        None
    )
)
_IS_CONVERSATION_TO_COME = and_(
    _job.status == "COMPLETED",
    _job.conversation_id.is_(None),
    or_(IS_TO_BE_STORED, _IS_UNTOLD),
)

# No job is of two kinds. Each kind has an index of its own, and all together have none.
CONDITIONS: dict[PollReason, ColumnElement[bool]] = {
    PollReason.STATUS: IS_UNFINISHED,
    PollReason.TRANSCRIPT: _IS_IN_CONVERSATION,
    PollReason.CONVERSATION: _IS_CONVERSATION_TO_COME,
}
POLL_REASON: ColumnElement[str] = case(*((kind, need.value) for need, kind in CONDITIONS.items()))
