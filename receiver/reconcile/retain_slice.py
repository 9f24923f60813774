"""Runs a part of the retention between two passes, so that reconciling isn't delayed for long."""

import logging
from collections import Counter
from contextlib import closing

from receiver.privacy.retention import KEEP_ALL, Retention, is_due, retain, throttled
from receiver.reconcile.context import ReconcileContext
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate

logger = logging.getLogger(__name__)

_SLICE_SECONDS = 30.0


def retain_slice(
    context: ReconcileContext, retention: Retention, *, seconds: float = _SLICE_SECONDS
) -> None:
    """Remove what is due for about `seconds` at most; log the counts. Never raises."""
    removed: Counter[str] = Counter()
    try:
        if retention != KEEP_ALL and is_due(context.engine):
            _retain(context, retention, Deadline(seconds), removed)
    except Exception as error:  # noqa: BLE001 - reconciling goes on; the next pass tries again
        logger.error("the retention failed: %s", locate(error))  # noqa: TRY400 - without values
    if counts := +removed:
        logger.info("removed what was kept for long enough", extra=dict(counts))


def _retain(
    context: ReconcileContext, retention: Retention, deadline: Deadline, removed: Counter[str]
) -> None:
    with closing(retain(context.engine, retention)) as steps:
        for step in throttled(steps):
            removed.update(step)
            if context.is_stopping() or not deadline.remaining():
                return
