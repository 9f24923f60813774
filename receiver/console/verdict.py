"""Whether anything is wrong, why, and what to do: the findings, the most serious first."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from receiver.console.summary import Summary
from receiver.runtime.plural import pluralize
from receiver.store.push.endpoints import MAX_LAG_SECONDS

# A drain takes seconds, once the database answers.
_MAX_SPOOL_AGE = timedelta(minutes=15)
# As in the completeness: a lost job is noticed only by a pass.
_MAX_PASS_AGE = timedelta(days=1)
# Figures are computed once a minute.
_MAX_FIGURES_AGE = timedelta(minutes=15)
_UNSTORED = (
    "Callbacks that arrive now wait in the spool if there is one; otherwise Twilio sends them "
    "again, four times at most."
)


class Finding(NamedTuple):
    """Something that is wrong, or may be."""

    kind: Literal["bad", "warn"]
    title: str
    text: str
    page: str = ""  # where to see more
    link: str = ""


class DatabaseState(NamedTuple):
    """What the database does at this moment."""

    is_up: bool  # it responds
    is_writable: bool
    shows_jobs: bool  # it responds in time


def find_problems(
    summary: Summary, database: DatabaseState, *, rejected_at: datetime | None, now: datetime
) -> list[Finding]:
    """Return the findings; `rejected_at` is when the last request was rejected."""
    if not database.is_up:
        return [
            Finding(
                "bad",
                "The database doesn't answer",
                f"{_UNSTORED} Run `flask --app app doctor` to find the cause.",
            )
        ]
    found = [
        *_of_database(database),
        *_of_transcripts(summary),
        *_of_spool(summary, now),
        *_of_callbacks(summary, rejected_at),
        *_of_reconcile(summary, now),
        *_of_push(summary),
        *_of_age(summary, now),
        *_of_tables(summary),
    ]

    return sorted(found, key=lambda finding: finding.kind != "bad")


def _of_database(database: DatabaseState) -> Iterator[Finding]:
    if not database.is_writable:
        yield Finding(
            "bad",
            "The database stores nothing",
            "It answers, but this web process couldn't write to it the last time: it may be "
            f"read-only, a standby, or full. {_UNSTORED} Run `flask --app app doctor` to find the "
            "cause. The figures below may be old.",
        )
    if not database.shows_jobs:
        yield Finding(
            "bad",
            "The database is too slow to show jobs",
            f"Another session may hold a lock on a table. {_UNSTORED} Run "
            "`flask --app app doctor`: it names the sessions that others wait for.",
        )


def _of_transcripts(summary: Summary) -> Iterator[Finding]:
    if missing := summary.number("transcripts", "receiver_transcripts_missing"):
        verb = "is" if missing == 1 else "are"
        yield Finding(
            "bad",
            f"{pluralize(missing, 'transcript')} {verb} missing",
            "Twilio completed these jobs, but their transcripts are not stored here.",
            "missing",
            "See why, and what to do",
        )
    if lost := summary.number("transcripts", "receiver_transcripts_without_callback"):
        verb = "was" if lost == 1 else "were"
        yield Finding(
            "warn",
            f"{pluralize(lost, 'callback')} of the last 7 days {verb} lost",
            "Their transcripts were read from conversations. Jobs without a conversation lose "
            "theirs. Compare the callback URL at Twilio with PUBLIC_URL, and see what was "
            "rejected.",
            "rejected",
            "Show the rejected requests",
        )
    if failed := summary.number("transcripts", "failed_recently"):
        yield Finding(
            "warn",
            f"{pluralize(failed, 'job')} failed at Twilio in the last 7 days",
            "They have no transcript and were not submitted again.",
            "jobs?status=FAILED",
            "Show the failed jobs",
        )


def _of_spool(summary: Summary, now: datetime) -> Iterator[Finding]:
    spool = summary.spool
    if spool and spool.oldest_at and spool.oldest_at < now - _MAX_SPOOL_AGE:
        yield Finding(
            "bad",
            f"{pluralize(spool.files, 'callback')} in the spool for more than 15 minutes",
            "The workers move them into the database by themselves. `flask --app app spool` shows "
            "what stops them.",
        )


def _of_callbacks(summary: Summary, rejected_at: datetime | None) -> Iterator[Finding]:
    last_at = summary.moment("callbacks", "receiver_last_callback_timestamp_seconds")
    if rejected_at and (last_at is None or rejected_at > last_at):
        since = "after the last callback" if last_at else "and no callback was ever applied"
        yield Finding(
            "bad" if last_at is None else "warn",
            f"A request was rejected, {since}",
            "It looks like a callback, but its signature doesn't verify. If Twilio sent it, a "
            "setting is wrong, and each transcript is answered 403 until you correct it. What is "
            "stored here isn't lost.",
            "rejected",
            "See which setting would verify it",
        )
    if quarantined := summary.number("callbacks", "receiver_quarantined"):
        verb = "is" if quarantined == 1 else "are"
        yield Finding(
            "warn",
            f"{pluralize(quarantined, 'callback')} {verb} in quarantine",
            "Nothing of them is lost: they are stored, but could not be applied to a job. Their "
            "transcripts can't be read until they are replayed.",
            "quarantine",
            "See why, and replay them",
        )


def _of_reconcile(summary: Summary, now: datetime) -> Iterator[Finding]:
    if summary.computed_at("reconcile") is None:
        return
    at = summary.moment("reconcile", "receiver_reconcile_complete_timestamp_seconds")
    if at is None or at < now - _MAX_PASS_AGE:
        yield Finding(
            "warn",
            "Lost jobs may go unnoticed",
            f"Twilio's list of jobs was not read completely {'for a day' if at else 'yet'}: "
            "without that, a job whose callbacks never arrived stays unknown. Run `flask --app app "
            "reconcile`.",
        )


def _of_push(summary: Summary) -> Iterator[Finding]:
    for name, state in summary.endpoints.items():
        if state is None:
            title, why = f"Nothing was ever sent to {name}", "The process `push` doesn't run."
        elif state.disabled_at:
            title, why = f"{name} gets no changes", "It answered 410, so it is disabled."
        elif state.failures:
            title = f"{name} doesn't accept changes"
            why = f"The last attempt failed: {state.last_error}. What waits is sent later."
        elif state.lag_seconds > MAX_LAG_SECONDS:
            title, why = f"{name} is behind", "It has lacked changes for more than 15 minutes."
        else:
            continue
        yield Finding("warn", title, f"{why} `flask --app app push list` shows more.")


def _of_tables(summary: Summary) -> Iterator[Finding]:
    for table in summary.unread_tables:
        yield Finding(
            "warn",
            f"The table {table} can't be read",
            "Another session locks it, or the role lacks a privilege. The figures that it has are "
            "missing here. Run `flask --app app doctor` to find the cause.",
        )


def _of_age(summary: Summary, now: datetime) -> Iterator[Finding]:
    at = summary.computed_at("transcripts")
    if at and at < now - _MAX_FIGURES_AGE:
        yield Finding(
            "warn",
            "The figures are old",
            "They are computed once a minute, unless that takes too long. The command "
            "`completeness` has no limit of time.",
        )
