"""Hearing what Twilio says of jobs: only what is new enters the ledger."""

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from receiver.events.api_events import Source, event_of, tell
from receiver.reconcile.desk import Desk
from receiver.reconcile.report import Report
from receiver.store.event import Event, Outcome
from receiver.store.ledger.unseen import news

logger = logging.getLogger(__name__)


def hear(desk: Desk, documents: Iterable[Mapping[str, Any]], report: Report) -> None:
    """Record what the jobs' documents tell beyond what is known; what says no more costs a read.

    Raises store.retry.Unavailable.
    """
    told = [heard(desk, "fetch", document) for document in documents]
    report.checked += len(told)
    for event, is_known in desk.ask(lambda connection: list(news(connection, told))):
        if keep(desk, event, report):
            report.changed += is_known
            report.found += not is_known


def heard(desk: Desk, source: Source, document: Mapping[str, Any]) -> Event:
    """Return the event of a document that was told now."""
    body = json.dumps(document, separators=(",", ":")).encode()

    return event_of(source, body, desk.clock())


def keep(desk: Desk, event: Event, report: Report) -> bool:
    """Record what Twilio told, and return whether it could be used."""
    recorded = tell(desk.engine, event)
    if recorded.outcome != Outcome.QUARANTINED:
        return True
    report.unusable += 1
    logger.warning(
        "what Twilio told is quarantined",
        extra={"callback": recorded.id, "source": event.source, "reason": recorded.reason},
    )

    return False
