"""The figures of the overview as tiles: a name, a value, its age, and where to see more."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from receiver.console.summary import Summary
from receiver.runtime.plural import pluralize

# A share that isn't whole must not be shown as 100 %.
_MAX_SHARE = 99.9


class Tile(NamedTuple):
    """One figure. A `moment` is shown as the time since then."""

    name: str
    value: str | None  # None: unknown
    at: datetime | None  # when it was computed
    note: str = ""
    page: str | None = None
    moment: datetime | None = None


def make_tiles(summary: Summary, account_id: str | None) -> list[Tile]:
    """Return the tiles; those of the whole service are left out for one account."""
    return [*_of_jobs(summary), *(() if account_id else _of_service(summary))]


def _of_jobs(summary: Summary) -> Iterator[Tile]:
    at = summary.computed_at("transcripts")
    oldest_at = summary.moment("transcripts", "receiver_oldest_missing_timestamp_seconds")
    yield Tile(
        "Missing transcripts",
        _text(summary.number("transcripts", "receiver_transcripts_missing")),
        at,
        page="missing",
    )
    note = "since its job ended" if oldest_at else ""
    yield Tile("Oldest gap", "none" if at else None, at, note, moment=oldest_at)
    yield _completeness(summary, at)


def _completeness(summary: Summary, at: datetime | None) -> Tile:
    """Return how many of the jobs that should have a transcript have it.

    An erased job should have none, and the transcript of a replaced one is that of another job.
    """
    completed = summary.number("transcripts", "receiver_jobs_completed")
    if completed is None:
        return Tile("Completeness", None, at)
    stored, erased, replaced, awaiting = (
        summary.number("transcripts", name) or 0
        for name in ("with_transcript", "erased", "replaced", "awaiting")
    )
    others = ((erased, "erased"), (replaced, "replaced"), (awaiting, "awaited"))
    parts = [f"{number:,} {word}" for number, word in others if number]
    note = f"{pluralize(stored, 'transcript')} of {pluralize(completed, 'job')}"

    return Tile(
        "Completeness",
        _share(stored, completed - erased - replaced),
        at,
        ", ".join([note, *parts]),
    )


def _of_service(summary: Summary) -> Iterator[Tile]:
    at = summary.computed_at("callbacks")
    last_at = summary.moment("callbacks", "receiver_last_callback_timestamp_seconds")
    yield Tile("Last callback", "none yet" if at else None, at, moment=last_at)
    quarantined = summary.number("callbacks", "receiver_quarantined")
    yield Tile("In quarantine", _text(quarantined), at, page="quarantine")
    yield Tile(
        "Rejected requests",
        _text(summary.number("rejected", "receiver_rejected_kept")),
        summary.computed_at("rejected"),
        page="rejected",
    )
    at = summary.computed_at("reconcile")
    passed_at = summary.moment("reconcile", "receiver_reconcile_complete_timestamp_seconds")
    yield Tile("Last reconcile", "none yet" if at else None, at, moment=passed_at)
    spool = summary.spool
    yield Tile("In the spool", str(spool.files) if spool else "no spool", None)


def _text(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def _share(stored: int, wanted: int) -> str | None:
    if not wanted:
        return None
    if stored == wanted:
        return "100 %"

    return f"{min(100 * stored / wanted, _MAX_SHARE):.1f} %"
