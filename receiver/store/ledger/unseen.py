"""News: what of that which Twilio tells on being asked the store doesn't know yet."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from receiver.store.event import Event
from receiver.store.jobs.fold import MERGED_COLUMNS
from receiver.store.tables import events, transcriptions

_COLUMNS = [transcriptions.c[name] for name in ("id", "account_id", "status", *MERGED_COLUMNS)]


def select_unseen(connection: Connection, told: Sequence[Event]) -> list[tuple[Event, bool]]:
    """Give the events worth recording, and of each whether its job is known.

    One that is in the ledger isn't, nor is one that says of its job what the job's row says.
    """
    digests = select(events.c.sha256).where(events.c.sha256.in_([each.sha256 for each in told]))
    known = set(connection.execute(digests).scalars())
    jobs = select(*_COLUMNS).where(transcriptions.c.id.in_([each.job_id for each in told]))
    rows = {row["id"]: dict(row) for row in connection.execute(jobs).mappings()}

    return [
        (each, each.job_id in rows)
        for each in told
        if each.sha256 not in known and not _says(rows.get(each.job_id), each.head)
    ]


def _says(row: Mapping[str, Any] | None, head: Mapping[str, Any] | None) -> bool:
    if row is None or head is None:
        return False

    return all(
        head.get(column.name) is None or head[column.name] == row[column.name]
        for column in _COLUMNS
    )
