"""Reading the quarantine for a replay: what there is of it, and its callbacks one at a time."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine, and_, func, not_, select

from receiver.store.event import Event, Outcome
from receiver.store.ledger.find import LedgerFilter
from receiver.store.tables import events, transcriptions

_BATCH = 1000

_callback = events.c.source == "callback"
_in_quarantine = events.c.outcome == Outcome.QUARANTINED
_judgeable = and_(_callback, _in_quarantine, events.c.body.is_not(None))


class ReplayCounts(NamedTuple):
    """How many callbacks a filter lets through, by what a replay can make of them."""

    quarantined: int
    erased: int  # quarantined, but without a body that could be judged
    applied: int  # there is nothing left to do for them
    newest: int  # the highest id among them, 0 where there are none


def count_replayable(connection: Connection, wanted: LedgerFilter) -> ReplayCounts:
    """Count the callbacks that the filter lets through."""
    count = func.count()
    statement = select(
        count.filter(_judgeable),
        count.filter(_in_quarantine, events.c.body.is_(None)),
        count.filter(not_(_in_quarantine)),
        func.coalesce(func.max(events.c.id), 0),
    ).where(_callback, *wanted.conditions())

    return ReplayCounts(*connection.execute(statement).one())


def unknown_ids(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Return those of the ids that no callback has."""
    wanted = LedgerFilter(ids=ids)
    known = connection.execute(select(events.c.id).where(_callback, *wanted.conditions())).scalars()

    return sorted(set(ids) - set(known))


def quarantined_ids(engine: Engine, wanted: LedgerFilter, newest: int) -> Iterator[int]:
    """Give the ids of the callbacks that can be judged anew, oldest first, a batch at a time.

    Those beyond `newest` came in since it was looked up, and are left out: else it might not end.
    """
    last = 0
    while True:
        statement = (
            select(events.c.id)
            .where(_judgeable, events.c.id > last, events.c.id <= newest, *wanted.conditions())
            .order_by(events.c.id)
            .limit(_BATCH)
        )
        with engine.connect() as connection:
            found = connection.execute(statement).scalars().all()
        if not found:
            return
        yield from found
        last = found[-1]


def find_quarantined(connection: Connection, event_id: int) -> Event | None:
    """Return the callback as the ledger has it, None if it can't, or need not, be judged anew."""
    columns = (
        *(events.c.sha256, events.c.source, events.c.body, events.c.received_at),
        *(events.c.job_id, events.c.account_id, events.c.content_type, events.c.idempotency_token),
        *(events.c.key_id, events.c.url, events.c.signature, events.c.signature_settings),
        *(events.c.reason, events.c.detail),
    )
    statement = select(*columns).where(_judgeable, events.c.id == event_id)
    row = connection.execute(statement).mappings().one_or_none()

    return None if row is None else Event(**row, deliveries=0)


def find_owner(connection: Connection, job_id: str) -> str | None:
    """Return the account that the job belongs to, None if nothing is known of the job."""
    statement = select(transcriptions.c.account_id).where(transcriptions.c.id == job_id)

    return connection.execute(statement).scalar()
