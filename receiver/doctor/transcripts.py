"""Checks for missing transcripts, and whether reconciling would notice more of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import QueryError, query
from receiver.runtime.plural import pluralize
from receiver.runtime.utc import format_utc
from receiver.settings.config import Settings
from receiver.store.clock import database_now
from receiver.store.completeness.figures import (
    MAX_SCAN_AGE,
    RECENT,
    Completeness,
    completeness,
)
from receiver.store.submissions.intents import find_expired

MAX_PRINTED_KEY_COUNT = 5


def check_transcripts(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Check whether transcripts are missing; with Twilio credentials, check the reconciling too."""
    grace = timedelta(seconds=settings.reconcile_grace_seconds)
    try:
        now, figures, expired_keys = query(engine, _load, grace)
    except QueryError as error:
        yield Finding(Verdict.WARN, f"transcripts: not checked: {error}")
        return
    yield _check_missing(figures)
    if figures.without_callback:
        yield _check_without_callback(figures.without_callback)
    if figures.failed_recently:
        yield _check_failed(figures)
    if figures.unknown_at_twilio:
        yield _check_unknown(figures.unknown_at_twilio)
    if expired_keys:
        yield _check_expired(expired_keys)
    if settings.twilio_credentials:
        yield check_reconciled(figures.since, now)


def _load(connection: Connection, grace: timedelta) -> tuple[datetime, Completeness, list[str]]:
    now = database_now(connection)

    return now, completeness(connection, at=now, grace=grace), find_expired(connection, now)


def _check_missing(figures: Completeness) -> Finding:
    oldest_at = figures.oldest_missing_at
    if oldest_at is None:
        return Finding(
            Verdict.OK,
            f"transcripts: none is missing, of {pluralize(figures.completed, 'completed job')}",
        )

    return Finding(
        Verdict.WARN,
        f"transcripts: {figures.missing} of {figures.completed} missing, the oldest since "
        f"{format_utc(oldest_at)}",
        "Run `flask --app app reconcile`, which reads missing transcripts from conversations. Then "
        "run `flask --app app completeness`, which lists the rest with the likely reasons.",
    )


def _check_without_callback(count: int) -> Finding:
    """Warn about lost callbacks, even if nothing is missing: not every job has a conversation."""
    return Finding(
        Verdict.WARN,
        f"callbacks: {pluralize(count, 'transcript')} of the last {RECENT.days} days came from "
        "conversations, because no callback arrived",
        "Compare the callback URL at Twilio with PUBLIC_URL, and look for rejected requests: "
        "`flask --app app rejected check`. Jobs without a conversation lose their transcript.",
    )


def _check_unknown(count: int) -> Finding:
    """Warn about unfinished jobs that `reconcile` no longer polls: their state can't change."""
    return Finding(
        Verdict.WARN,
        f"jobs: {count} unfinished here and unknown at Twilio, so no longer polled",
        "Run `flask --app app completeness`, which lists them. They belong to another account than "
        "the Twilio credentials, or were deleted at Twilio.",
    )


def _check_failed(figures: Completeness) -> Finding:
    """Warn about recent failures; older ones may be of recordings that can't be transcribed."""
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(figures.failed_by_code.items()))
    by_code = f" (all failures by Twilio's error code: {codes})" if codes else ""

    return Finding(
        Verdict.WARN,
        f"jobs: {figures.failed_recently} FAILED at Twilio in the last {RECENT.days} days, "
        f"not submitted again{by_code}",
        "List them with GET /v3/Transcriptions?status=FAILED. Correct the recordings, then submit "
        "them again: `flask --app app submit --from-csv FILE --resubmit-failed` does this for the "
        "failed jobs of a file. It costs money.",
    )


def _check_expired(keys: list[str]) -> Finding:
    """Warn about submissions that may have created jobs; repeating them might cost money twice."""
    more_count = len(keys) - MAX_PRINTED_KEY_COUNT
    more = f" and {more_count} more" if more_count > 0 else ""

    return Finding(
        Verdict.WARN,
        f"submissions: {len(keys)} without a response within a day, not repeated: "
        f"{', '.join(keys[:MAX_PRINTED_KEY_COUNT])}{more}",
        "Run `flask --app app reconcile`, then check whether each of them has a job (GET "
        "/v3/Transcriptions?sourceId=…). Submit those without a job again, with a new "
        "Idempotency-Key. This warning disappears after a week.",
    )


def check_reconciled(since: datetime | None, now: datetime) -> Finding:
    """Check that Twilio's whole list of jobs was read recently; `since` is the last time."""
    if since is not None and since >= now - MAX_SCAN_AGE:
        return Finding(Verdict.OK, f"reconciled: {format_utc(since)}")
    when = f"not since {format_utc(since)}" if since else "never"

    return Finding(
        Verdict.WARN,
        f"reconciled: {when}, so lost callbacks stay unnoticed",
        "Run the Procfile's process `reconcile`, or schedule `flask --app app reconcile`.",
    )
