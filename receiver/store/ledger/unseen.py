"""Selects, of the events from Twilio's API, those with anything that the store doesn't know."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from receiver.store.erasure.tombstones import job_keys
from receiver.store.event import Event
from receiver.store.jobs.fold import MERGED_COLUMNS
from receiver.store.tables import events, tombstones, transcriptions

_COLUMNS = [transcriptions.c[name] for name in ("id", "account_id", "status", *MERGED_COLUMNS)]
_ERASED_AT = transcriptions.c.erased_at


def select_unseen(connection: Connection, fetched: Sequence[Event]) -> list[tuple[Event, bool]]:
    """Return the events to record, each with whether its job is known.

    An event is not included if the ledger has it, if its job's row already contains its values, or
    if its job was erased.
    """
    digests = select(events.c.sha256).where(
        events.c.sha256.in_([event.sha256 for event in fetched])
    )
    known = set(connection.execute(digests).scalars())
    keys = [key for event in fetched for key in _keys(event)]
    erased = set(connection.scalars(select(tombstones.c.key).where(tombstones.c.key.in_(keys))))
    jobs = select(*_COLUMNS, _ERASED_AT).where(
        transcriptions.c.id.in_([event.job_id for event in fetched])
    )
    rows = {row["id"]: dict(row) for row in connection.execute(jobs).mappings()}

    return [
        (event, event.job_id in rows)
        for event in fetched
        if event.sha256 not in known
        and erased.isdisjoint(_keys(event))
        and not _contains(rows.get(event.job_id), event.head)
    ]


def _keys(event: Event) -> list[str]:
    return job_keys(event.job_id, event.account_id)


def _contains(row: Mapping[str, Any] | None, head: Mapping[str, Any] | None) -> bool:
    """Return whether the job's row has all values of an event's head, or was erased."""
    if row is None or head is None:
        return False

    return row[_ERASED_AT.name] is not None or all(
        head.get(column.name) is None or head[column.name] == row[column.name]
        for column in _COLUMNS
    )
