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
    """
    erase = _erase_of_job if target.kind == "job" else _erase_with_jobs
    erase(erasure, target.value, report)


def _erase_of_job(erasure: Erasure, job_id: str, report: Report) -> None:
    """Erase the rows without an id that contain the job's; its other rows are found by it."""
    needle = Needle.of_text(job_id)
    for hit in _find(erasure, QUARANTINE, needle, report):
        erasure.redact_event(hit.key)
    _remove_rejected(erasure, needle, report)


def _erase_with_jobs(erasure: Erasure, value: str, report: Report) -> None:
    """Erase the rows that contain the value, and the jobs that they name."""
    needle = Needle.of_text(value)
    for hit in _find(erasure, LEDGER, Needle.of_string(value), report):
        _erase_job_of(erasure, events.c.job_id, events.c.id, hit.key)
    for hit in _find(erasure, QUARANTINE, needle, report):
        _erase_job_of(erasure, events.c.job_id, events.c.id, hit.key)
        erasure.redact_event(hit.key)
    for hit in _find(erasure, SUBMISSIONS, needle, report):
        _erase_job_of(erasure, submissions.c.job_id, submissions.c.idempotency_key, hit.key)
        is_key_personal = "idempotency_key" in hit.columns
        erasure.redact_submission(hit.key, is_key_personal=is_key_personal)
    _remove_rejected(erasure, needle, report)


def _remove_rejected(erasure: Erasure, needle: Needle, report: Report) -> None:
    for hit in _find(erasure, REJECTED, needle, report):
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
