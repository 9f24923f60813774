"""What an operator does to an endpoint. It ends the claim, so that the process reads it anew."""

from typing import Any

from sqlalchemy import Connection, update

from receiver.store.push.claims import NO_FAILURE
from receiver.store.tables import push_endpoints

_endpoint = push_endpoints.c


def resume(connection: Connection, name: str) -> bool:
    """Let the endpoint's next change be sent at once, even if it answered 410.

    Return False if it was never started.
    """
    return _update(connection, name, retry_at=None, disabled_at=None, failures=0)


def rewind(connection: Connection, name: str) -> bool:
    """Let the endpoint get everything again from the beginning; False if it was never started."""
    return _update(connection, name, cursor=None)


def skip(connection: Connection, name: str, *, cursor: str | None, following: str) -> bool:
    """Move the endpoint's cursor from `cursor` to `following`; False if it is another one now."""
    is_there = _endpoint.cursor.is_not_distinct_from(cursor)

    return _update(connection, name, is_there, cursor=following, **NO_FAILURE)


def _update(connection: Connection, name: str, *conditions: Any, **values: Any) -> bool:
    statement = (
        update(push_endpoints)
        .where(_endpoint.name == name, *conditions)
        .values(claim=None, claimed_until=None, **values)
    )

    return connection.execute(statement).rowcount == 1
