"""Hearing what Twilio says of jobs: only what is new enters the ledger."""

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from receiver.events.api_events import Source, event_of, record_response
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.report import Report
from receiver.store.event import Event, Outcome
from receiver.store.ledger.unseen import select_unseen

logger = logging.getLogger(__name__)


def record_documents(
    context: ReconcileContext, documents: Iterable[Mapping[str, Any]], report: Report
) -> None:
    """Record what the jobs' documents tell beyond what is known; what says no more costs a read.

    Raises store.retry.DatabaseUnavailableError.
    """
    told = [event_from(context, "fetch", document) for document in documents]
    report.checked += len(told)
    for event, is_known in context.query(select_unseen, told):
        if record_event(context, event, report):
            report.changed += is_known
            report.found += not is_known


def event_from(context: ReconcileContext, source: Source, document: Mapping[str, Any]) -> Event:
    """Return the event of a document that was told now."""
    body = json.dumps(document, separators=(",", ":")).encode()

    return event_of(source, body, context.clock())


def record_event(context: ReconcileContext, event: Event, report: Report) -> bool:
    """Record what Twilio told, and return whether it could be used."""
    recorded = record_response(context.engine, event)
    if recorded.outcome != Outcome.QUARANTINED:
        return True
    report.unusable += 1
    logger.warning(
        "what Twilio told is quarantined",
        extra={"callback": recorded.id, "source": event.source, "reason": recorded.reason},
    )

    return False
