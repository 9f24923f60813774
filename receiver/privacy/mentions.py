"""Erases what no index leads to: rows of the ledger and other tables that contain a value."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Column, select

from receiver.privacy.erasure import Erasure
from receiver.privacy.target import Target
from receiver.store.erasure.matching import unerased_jobs
from receiver.store.erasure.places import PLACES
from receiver.store.erasure.search import Scope, search, spellings
from receiver.store.event import Outcome
from receiver.store.tables import events, rejected, submissions, transcriptions

Report = Callable[[str, int], None]


def erase_mentions(erasure: Erasure, target: Target, report: Report) -> None:
    """Search the ledger, the submissions and the rejected requests, and erase what is found.

    Indexes lead to everything of a job, but not to an unreadable callback in quarantine. In the
    ledger's heads, the value must be a whole string. What is in quarantine, submitted or rejected
    is searched as text, because nothing proves its form. Rows that were received after the erasure
    began are not searched: they are of later jobs.
    """
    at, texts = erasure.at, spellings(target.value)
    is_older = events.c.received_at < at
    is_quarantined = events.c.outcome == Outcome.QUARANTINED
    heads = Scope(events, ("head",), is_older & events.c.erased_at.is_(None))
    quarantine = Scope(events, PLACES[events], is_older & is_quarantined)
    requests = Scope(submissions, PLACES[submissions], submissions.c.created_at < at)
    strangers = Scope(rejected, PLACES[rejected], rejected.c.received_at < at)

    if target.kind == "job":
        unnamed = Scope(events, ("body",), is_older & is_quarantined & events.c.job_id.is_(None))
        for event_id in _find(erasure, unnamed, texts, report):
            erasure.redact_event(event_id)
        return

    string = json.dumps(target.value, ensure_ascii=False)
    for event_id in _find(erasure, heads, [string], report):
        _erase_job_of(erasure, events.c.job_id, events.c.id, event_id)
    for event_id in _find(erasure, quarantine, texts, report):
        _erase_job_of(erasure, events.c.job_id, events.c.id, event_id)
        erasure.redact_event(event_id)
    for key in _find(erasure, requests, texts, report):
        _erase_job_of(erasure, submissions.c.job_id, submissions.c.idempotency_key, key)
        erasure.redact_submission(key)
    for request_id in _find(erasure, strangers, texts, report):
        erasure.remove_rejected(request_id)


def _find(erasure: Erasure, scope: Scope, needles: Sequence[str], report: Report) -> list[Any]:
    """Return the keys of the rows that contain a needle."""
    name = scope.table.name
    hits = search(erasure.engine, scope, needles, report=lambda rows: report(name, rows))

    return [hit.key for hit in hits]


def _erase_job_of(
    erasure: Erasure, job_id: Column[Any], key: Column[Any], key_value: object
) -> None:
    """Erase the job that a row names, if there is such a job and it began before the erasure."""
    named = select(job_id).where(key == key_value)
    condition = transcriptions.c.id.in_(named)
    for each in erasure.query(unerased_jobs, condition, began_before=erasure.at):
        erasure.erase_job(each)
