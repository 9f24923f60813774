"""What is known of missing transcripts, and whether more could be known."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from receiver.doctor.finding import Finding, NoAnswerError, Verdict, patiently
from receiver.settings.config import Settings
from receiver.store.completeness.figures import MAX_SCAN_AGE, Completeness, completeness
from receiver.store.submissions.intents import find_expired

_MOST_KEYS = 5  # of a finding's line


def findings(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Judge how complete the store is; that it's reconciled, only where Twilio can be asked."""
    now = datetime.now(UTC)
    over_by = now - timedelta(seconds=settings.reconcile_grace_seconds)

    def look() -> tuple[Completeness, list[str]]:
        with engine.connect() as connection:
            return completeness(connection, over_by), find_expired(connection, now)

    try:
        found, in_doubt = patiently(look)
    except NoAnswerError as error:
        yield Finding(Verdict.WARN, f"transcripts: not counted: {error}")
        return
    yield of_missing(found)
    if found.unknown_at_twilio:
        yield of_unknown(found.unknown_at_twilio)
    if in_doubt:
        yield of_doubtful(in_doubt)
    if settings.twilio_credentials:
        yield of_passes(found.since, now)


def of_missing(found: Completeness) -> Finding:
    """Judge the figures."""
    if not found.missing:
        return Finding(
            Verdict.OK, f"transcripts: none is missing, of {found.completed} completed jobs"
        )
    oldest = f", the oldest since {found.oldest_missing_at:%Y-%m-%dT%H:%M:%SZ}"

    return Finding(
        Verdict.WARN,
        f"transcripts: {found.missing} of {found.completed} are missing{oldest}",
        "Run `flask --app app reconcile`, which fetches back what a conversation holds; then "
        "`flask --app app completeness` names what is left, and why.",
    )


def of_unknown(count: int) -> Finding:
    """Warn of unfinished jobs that were given up, and will stay as they are."""
    return Finding(
        Verdict.WARN,
        f"jobs: {count} are unfinished here and unknown at Twilio, so nobody asks about them",
        "Look at them with `flask --app app completeness`: they are another account's than the "
        "credentials', or were deleted at Twilio.",
    )


def of_doubtful(keys: list[str]) -> Finding:
    """Warn of submissions that may have become jobs or not; asking again might pay twice."""
    more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""

    return Finding(
        Verdict.WARN,
        f"submissions: {len(keys)} had no answer within a day, so nobody asks again: "
        f"{', '.join(keys[:_MOST_KEYS])}{more}",
        "After a `reconcile` look whether there is a job of each (GET /v3/Transcriptions?sourceId="
        "…); submit those that have none under a new key. This is told for a week.",
    )


def of_passes(since: datetime | None, now: datetime) -> Finding:
    """Judge when Twilio's list was last gone through."""
    if since is not None and since >= now - MAX_SCAN_AGE:
        return Finding(Verdict.OK, f"reconciled: {since:%Y-%m-%dT%H:%M:%SZ}")
    when = f"not since {since:%Y-%m-%dT%H:%M:%SZ}" if since else "never"

    return Finding(
        Verdict.WARN,
        f"reconciled: {when}, so a lost callback goes unnoticed",
        "Run the Procfile's process `reconcile`, or `flask --app app reconcile` by a scheduler.",
    )
