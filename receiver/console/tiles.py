"""The figures of the overview as tiles: a name, a value, its age, and where to see more."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from receiver.console.summary import Summary
from receiver.console.words import count

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
    completed = summary.number("transcripts", "receiver_jobs_completed")
    stored = summary.number("transcripts", "with_transcript")
    awaiting = summary.number("transcripts", "awaiting") or 0
    yield Tile(
        "Completeness",
        _share(stored, completed),
        at,
        ""
        if completed is None
        else f"{count(stored or 0, 'transcript')} of {count(completed, 'job')}"
        + (f", {awaiting:,} awaited" if awaiting else ""),
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


def _share(stored: int | None, completed: int | None) -> str | None:
    if stored is None or not completed:
        return None
    if stored == completed:
        return "100 %"

    return f"{min(100 * stored / completed, _MAX_SHARE):.1f} %"
