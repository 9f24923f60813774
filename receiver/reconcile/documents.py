"""Records what Twilio's documents say about jobs, but only if it is new."""

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from receiver.events.api_events import Source, event_of, record_response
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.report import Report, Reports
from receiver.store.event import Event, Outcome
from receiver.store.ledger.unseen import select_unseen

logger = logging.getLogger(__name__)


def record_documents(context: ReconcileContext, documents: Iterable[Mapping[str, Any]]) -> Reports:
    """Record the documents that contain something new; for the others, only the database is read.

    Raises store.retry.DatabaseUnavailableError.
    """
    events = [event_from(context, "fetch", document) for document in documents]
    yield Report(checked=len(events))
    for event, is_known in context.query(select_unseen, events):
        recorded = Report(changed=1) if is_known else Report(found=1)
        yield record_event(context, event, recorded)


def event_from(context: ReconcileContext, source: Source, document: Mapping[str, Any]) -> Event:
    """Return the event of a document that was received now."""
    body = json.dumps(document, separators=(",", ":")).encode()

    return event_of(source, body, context.clock())


def record_event(context: ReconcileContext, event: Event, recorded: Report) -> Report:
    """Record the event of a document, and return what to report of it: `recorded`.

    A quarantined document is counted as unusable instead, and one of an erased job not at all.
    """
    result = record_response(context.engine, event)
    if result.outcome == Outcome.ERASED:
        return Report()
    if result.outcome != Outcome.QUARANTINED:
        return recorded
    logger.warning(
        "a document from Twilio was quarantined",
        extra={"callback": result.id, "source": event.source, "reason": result.reason},
    )

    return Report(unusable=1)
