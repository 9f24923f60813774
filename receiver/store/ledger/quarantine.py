"""Reads quarantined callbacks for a replay: their counts, their ids, and one callback at a time."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine, and_, func, not_, select

from receiver.store.event import Event, Outcome
from receiver.store.ledger.find import LedgerFilter
from receiver.store.tables import events, transcriptions

_BATCH_SIZE = 1000  # no statement takes long, and no batch needs much memory

_is_callback = events.c.source == "callback"
_is_quarantined = events.c.outcome == Outcome.QUARANTINED
_is_replayable = and_(_is_callback, _is_quarantined, events.c.body.is_not(None))


class ReplayCounts(NamedTuple):
    """The numbers of callbacks that pass a filter, by whether a replay can use them."""

    quarantined: int  # can be validated again
    erased: int  # quarantined too, but the body was erased
    applied: int  # don't need a replay
    newest: int  # the highest id of all of them, 0 if there are none


def count_replayable(connection: Connection, ledger_filter: LedgerFilter) -> ReplayCounts:
    """Return the counts of the callbacks that pass the filter."""
    count = func.count()
    statement = select(
        count.filter(_is_replayable),
        count.filter(_is_quarantined, events.c.body.is_(None)),
        count.filter(not_(_is_quarantined)),
        func.coalesce(func.max(events.c.id), 0),
    ).where(_is_callback, *ledger_filter.conditions())

    return ReplayCounts(*connection.execute(statement).one())


def newest_id(connection: Connection, ledger_filter: LedgerFilter) -> int:
    """Return the highest id of the callbacks in quarantine that pass the filter, 0 without any.

    The index of the quarantine has it, so this is faster than `count_replayable`.
    """
    conditions = (_is_replayable, *ledger_filter.conditions())
    statement = select(events.c.id).where(*conditions).order_by(events.c.id.desc()).limit(1)

    return connection.execute(statement).scalar() or 0


def unknown_ids(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Return the ids that belong to no callback, in ascending order."""
    ledger_filter = LedgerFilter(ids=ids)
    statement = select(events.c.id).where(_is_callback, *ledger_filter.conditions())

    return sorted(set(ids) - set(connection.execute(statement).scalars()))


def quarantined_ids(
    engine: Engine, ledger_filter: LedgerFilter, newest: int, *, after: int = 0
) -> Iterator[int]:
    """Return the ids of the callbacks that can be validated again, oldest first, read in batches.

    Only ids above `after` are included, and none above `newest`: these callbacks arrived after the
    others were counted. If they were included, the iteration might never end.
    """
    conditions = (_is_replayable, events.c.id <= newest, *ledger_filter.conditions())
    statement = select(events.c.id).where(*conditions).order_by(events.c.id).limit(_BATCH_SIZE)
    last = after
    while True:
        with engine.connect() as connection:
            ids = connection.scalars(statement.where(events.c.id > last)).all()
        if not ids:
            return
        yield from ids
        last = ids[-1]


def find_quarantined(connection: Connection, event_id: int) -> Event | None:
    """Return the callback from the ledger; None if it is not quarantined or has no body."""
    columns = (
        *(events.c.sha256, events.c.source, events.c.body, events.c.received_at),
        *(events.c.job_id, events.c.account_id, events.c.content_type, events.c.idempotency_token),
        *(events.c.key_id, events.c.url, events.c.signature, events.c.signature_settings),
        *(events.c.reason, events.c.detail),
    )
    statement = select(*columns).where(_is_replayable, events.c.id == event_id)
    row = connection.execute(statement).mappings().one_or_none()

    return None if row is None else Event(**row, deliveries=0)


def find_owner(connection: Connection, job_id: str) -> str | None:
    """Return the account that the job belongs to, None if the job is unknown."""
    statement = select(transcriptions.c.account_id).where(transcriptions.c.id == job_id)

    return connection.execute(statement).scalar()
