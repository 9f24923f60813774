"""Runs a part of the search's index between two passes, so that reconciling isn't delayed long."""

import logging
from collections import Counter
from contextlib import closing

from receiver.changes.feed import FeedUnavailableError
from receiver.privacy.retention import throttled
from receiver.reconcile.context import ReconcileContext
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.search.index import index_changes
from receiver.store.retry import DatabaseUnavailableError

logger = logging.getLogger(__name__)

# A slice runs this long while there is work, even if a pass is due.
MIN_SLICE_SECONDS = 30.0


def index_slice(context: ReconcileContext, *, seconds: float = MIN_SLICE_SECONDS) -> None:
    """Index changed jobs for about `seconds` at most; log the counts. Never raises."""
    done: Counter[str] = Counter()
    try:
        _index(context, Deadline(seconds), done)
    except (DatabaseUnavailableError, FeedUnavailableError) as error:
        logger.warning("the index of the search waits for the database: %s", error)
    except Exception as error:  # noqa: BLE001 - reconciling goes on; the next slice tries again
        logger.error("the index of the search failed: %s", locate(error))  # noqa: TRY400 - without values
    del done["unchanged"]
    if counts := +done:
        logger.info("indexed transcripts for the search", extra=dict(counts))


def _index(context: ReconcileContext, deadline: Deadline, done: Counter[str]) -> None:
    with closing(index_changes(context.engine)) as steps:
        for step in throttled(steps):
            done.update(step)
            if context.is_stopping() or not deadline.remaining():
                return
