"""Completes the heads of events that an earlier release recorded, from their bodies."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Connection, Engine, Text, bindparam, cast, func, select, update

from receiver.store.event import Outcome
from receiver.store.tables import events
from schemas.callback import UndecodableError, decode, load_additional

# Bodies have up to 2 MiB by default, and are in memory together.
_BODIES_AT_ONCE = 10

_COMPLETE = (
    update(events)
    # An erasure may have removed the body, and redacted the head, since the body was read.
    .where(events.c.id == bindparam("event_id"), events.c.body.is_not(None))
    .values(
        head=events.c.head.concat(bindparam("members", type_=events.c.head.type)),
        transaction_id=func.pg_current_xact_id(),
    )
)


def complete_heads(engine: Engine, job_ids: Sequence[str]) -> None:
    """Add the member `additional` to the heads of the jobs' events that don't have it.

    Earlier releases didn't read it. Quarantined events have no head, and erased ones no body.
    Raises sqlalchemy.exc.SQLAlchemyError.
    """
    with engine.connect() as connection:
        ids = _incomplete_ids(connection, job_ids)
    for start in range(0, len(ids), _BODIES_AT_ONCE):
        with engine.connect() as connection:
            _complete(connection, ids[start : start + _BODIES_AT_ONCE])


def _incomplete_ids(connection: Connection, job_ids: Sequence[str]) -> list[int]:
    statement = select(events.c.id).where(
        events.c.job_id == func.any(cast(job_ids, ARRAY(Text))),
        events.c.outcome != Outcome.QUARANTINED,
        ~events.c.head.has_key("additional"),
        events.c.body.is_not(None),
    )

    return list(connection.scalars(statement))


def _complete(connection: Connection, ids: Sequence[int]) -> None:
    """Complete the heads, each in a commit of its own, so that no callback waits for several."""
    statement = select(events.c.id, events.c.body).where(events.c.id.in_(ids))
    for event_id, body in connection.execute(statement).all():
        members = {"additional": _additional(body)}
        connection.execute(_COMPLETE, {"event_id": event_id, "members": members})


def _additional(body: bytes) -> object:
    try:
        return load_additional(decode(body))[0]
    except (UndecodableError, RecursionError):  # it depends on the version of Python
        return None
