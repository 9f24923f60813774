"""Records what Twilio's documents say about jobs, if the store does not know it yet."""

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
    """Record the documents that contain anything new; all others cost one read together.

    Raises store.retry.DatabaseUnavailableError.
    """
    events = [event_from(context, "fetch", document) for document in documents]
    yield Report(checked=len(events))
    for event, is_known in context.query(select_unseen, events):
        if not record_event(context, event):
            yield Report(unusable=1)
        elif is_known:
            yield Report(changed=1)
        else:
            yield Report(found=1)


def event_from(context: ReconcileContext, source: Source, document: Mapping[str, Any]) -> Event:
    """Return the event of a document that was received now."""
    body = json.dumps(document, separators=(",", ":")).encode()

    return event_of(source, body, context.clock())


def record_event(context: ReconcileContext, event: Event) -> bool:
    """Record the event of a document; return False if it was quarantined."""
    recorded = record_response(context.engine, event)
    if recorded.outcome != Outcome.QUARANTINED:
        return True
    logger.warning(
        "a document of Twilio's was quarantined",
        extra={"callback": recorded.id, "source": event.source, "reason": recorded.reason},
    )

    return False
