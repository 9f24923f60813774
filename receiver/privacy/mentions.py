"""Erases what no index leads to: rows of the ledger and other tables that contain a value."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column

from receiver.privacy.erasure import Erasure
from receiver.privacy.target import Target
from receiver.store.erasure.batches import Report
from receiver.store.erasure.matching import jobs_of_row
from receiver.store.erasure.scopes import (
    LEDGER,
    QUARANTINE,
    REJECTED,
    SUBMISSIONS,
    Place,
    scope_before,
)
from receiver.store.erasure.search import Hit, Needle, search
from receiver.store.tables import events, submissions


def erase_mentions(erasure: Erasure, target: Target, report: Report) -> None:
    """Search the ledger, the submissions and the rejected requests, and erase what is found.

    In the ledger's heads, the value must be a whole string. What is in quarantine, submitted or
    rejected is searched as text, because nothing proves its form. Rows that were received after
    the erasure began are not searched: they are of later jobs.

    A job's other rows are found by its id, so only rows without an id are searched: the quarantine
    and the rejected requests.
    """
    anywhere = Needle.of_text(target.value)
    is_job = target.kind == "job"
    if not is_job:
        for hit in _find(erasure, LEDGER, Needle.of_string(target.value), report):
            _erase_job_of(erasure, events.c.job_id, events.c.id, hit.key)
    for hit in _find(erasure, QUARANTINE, anywhere, report):
        if not is_job:
            _erase_job_of(erasure, events.c.job_id, events.c.id, hit.key)
        erasure.redact_event(hit.key)
    if not is_job:
        for hit in _find(erasure, SUBMISSIONS, anywhere, report):
            _erase_job_of(erasure, submissions.c.job_id, submissions.c.idempotency_key, hit.key)
            is_key_personal = "idempotency_key" in hit.columns
            erasure.redact_submission(hit.key, is_key_personal=is_key_personal)
    for hit in _find(erasure, REJECTED, anywhere, report):
        erasure.remove_rejected(hit.key)


def _find(erasure: Erasure, place: Place, needle: Needle, report: Report) -> Iterator[Hit]:
    """Yield the rows that contain the value."""
    scope = scope_before(place, erasure.at)

    return search(erasure.engine, scope, needle, report=lambda rows: report(place, rows))


def _erase_job_of(
    erasure: Erasure, job_id: Column[Any], key: Column[Any], key_value: object
) -> None:
    """Erase the job that a row names, if there is such a job and it began before the erasure."""
    for each in erasure.query(jobs_of_row, job_id, key, key_value, began_before=erasure.at):
        erasure.erase_job(each)
