"""Brings the index of the transcripts up to date, from the change feed, in batches."""

import logging
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from receiver.changes import cursor as cursors
from receiver.changes.cursor import CursorError, parse_start
from receiver.changes.feed import read_page
from receiver.lookup.sentences import read_sentences
from receiver.runtime.deadline import Deadline
from receiver.search.languages import configuration_of
from receiver.search.parts import divide
from receiver.store.clock import database_now
from receiver.store.retry import query
from receiver.store.search import write
from receiver.store.search.progress import Progress, load_progress, store_progress
from receiver.store.search.write import Entry
from schemas.callback import UndecodableError, decode

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_BATCH_JOBS = 50
_TIMEOUT_SECONDS = 30.0

Job = Mapping[str, Any]


class _Batch(NamedTuple):
    jobs: list[Job]
    progress: Progress  # after them
    has_more: bool


def index_changes(engine: Engine) -> Generator[Counter[str], None, None]:
    """Index the transcripts of all jobs that have changed; yield the counts of each batch.

    It may end after any batch; the next run goes on there. Raises
    receiver.changes.feed.FeedUnavailableError or receiver.store.retry.DatabaseUnavailableError.
    """
    progress = _query(engine, load_progress)
    has_more = True
    while has_more:
        batch = _query(engine, _read_batch, progress)
        entries = _query(engine, write.read_entries, [job["id"] for job in batch.jobs])
        counts: Counter[str] = Counter()
        for job in batch.jobs:
            counts[_update(engine, job, entries.get(job["id"]), progress.version)] += 1
        progress, has_more = batch.progress, batch.has_more
        _query(engine, store_progress, progress)
        yield counts


def _read_batch(connection: Connection, progress: Progress) -> _Batch:
    """Return the next jobs of the feed. After a restore, that is from the beginning.

    When a sweep of the feed ends, everything is indexed that was committed before it began.
    """
    now = database_now(connection)
    try:
        start = parse_start(progress.cursor)
        page = read_page(connection, start, size=_BATCH_JOBS, account_id=None)
    except CursorError:
        return _read_batch(connection, Progress(version=progress.version))
    began_at = progress.began_at or now
    following = replace(progress, cursor=cursors.encode(page.cursor), began_at=began_at)
    if page.cursor.until is None:
        following = replace(following, began_at=None, indexed_through=began_at)

    return _Batch(list(page.rows), following, page.more)


def _update(engine: Engine, job: Job, stored: Entry | None, version: int) -> str:
    """Make the rows of the job those of its transcript; return what was done, for the counts."""
    entry = _entry_of(job, version)
    if entry == stored:
        return "unchanged"
    body = _query(engine, write.read_body, entry.source_sha256) if entry else None
    if entry is None or body is None:
        _query(engine, write.remove_entry, job["id"])
        return "removed"
    if not _write(engine, entry, body):
        logger.error("transcript not searchable: it can't be indexed", extra={"job": job["id"]})
        _query(engine, write.remove_entry, job["id"])
        return "not_indexed"

    return "indexed"


def _entry_of(job: Job, version: int) -> Entry | None:
    """Return what the rows of the job are to be made of; None if it is to have none."""
    config = configuration_of(job["language"])
    is_gone = job["erased_at"] or job["transcript_expired_at"]
    if job["transcript_sha256"] is None or is_gone or config is None:
        return None

    return Entry(
        job_id=job["id"],
        source_sha256=job["transcript_sha256"],
        config=config,
        sort_at=job["sort_at"],
        version=version,
    )


def _write(engine: Engine, entry: Entry, body: bytes) -> bool:
    """Index the body; return False if that isn't possible."""
    try:
        parts = divide(read_sentences(decode(body)))
    except (UndecodableError, RecursionError):
        return False

    return _query(engine, write.write_entry, entry, parts)


def _query(
    engine: Engine,
    work: Callable[Concatenate[Connection, Parameters], Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    return query(engine, Deadline(_TIMEOUT_SECONDS), work, *args, **kwargs)
