"""Takes what an export needs from a row of a page: the transcript's document, and the counts."""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from receiver.export.position import Position
from receiver.store.jobs.read import Row
from schemas.callback import UndecodableError, decode

logger = logging.getLogger(__name__)


class Job(NamedTuple):
    """One job of a page, and the position after it."""

    row: Row
    document: Mapping[str, Any] | None  # the callback's, None without a stored transcript
    position: Position

    @property
    def is_erased(self) -> bool:
        """Whether the job is left out."""
        return self.row["erased_at"] is not None


def read_job(row: Row, position: Position) -> Job:
    """Return the job of the row, which follows the position."""
    if row["erased_at"] is not None:
        return Job(row, None, position.after(row, erased=1))
    if row["body"] is None:
        expired = int(row["transcript_expired_at"] is not None)
        return Job(row, None, position.after(row, jobs=1, expired=expired))
    try:
        document = decode(row["body"])
    except (UndecodableError, RecursionError) as error:
        logger.error(  # noqa: TRY400 - a traceback says no more
            "transcript not readable: %s", type(error).__name__, extra={"job": row["id"]}
        )
        return Job(row, None, position.after(row, jobs=1, unreadable=1))

    return Job(row, document, position.after(row, jobs=1, transcripts=1))
