"""Reads the endpoints, with the database's time.

What is stored of an endpoint is its progress in the feed. No change is stored: what waits is what
the feed has after the cursor. So a job that changes while it waits is sent once, in its newest
state, and an endpoint that is down for a month costs one row.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from receiver.store.tables import push_endpoints

# An endpoint that has lacked changes for longer is behind, as in the alert.
MAX_LAG_SECONDS = 15 * 60

_endpoint = push_endpoints.c


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """An endpoint's row. All times are the database's, also `read_at`, when it was read."""

    name: str
    cursor: str | None  # None: the beginning of the feed
    sequence: int
    claim: UUID | None
    claimed_until: datetime | None
    failures: int
    retry_at: datetime | None
    failing_since: datetime | None
    failing_job_id: str | None
    last_error: str | None
    disabled_at: datetime | None
    delivered_at: datetime | None
    caught_up_at: datetime
    read_at: datetime

    @property
    def is_claimed(self) -> bool:
        """Whether a process sends, or ended within a lease without releasing its claim."""
        return self.claimed_until is not None and self.claimed_until > self.read_at

    @property
    def is_due(self) -> bool:
        """Whether the next change may be sent now."""
        is_waiting = self.retry_at is not None and self.retry_at > self.read_at

        return self.disabled_at is None and not is_waiting

    @property
    def lag_seconds(self) -> float:
        """How long ago the endpoint was last known to have everything."""
        return (self.read_at - self.caught_up_at).total_seconds()


STATE = (*push_endpoints.columns, func.clock_timestamp().label("read_at"))


def find_endpoint(connection: Connection, name: str) -> EndpointState | None:
    """Return the endpoint's state, None if it was never started."""
    row = connection.execute(select(*STATE).where(_endpoint.name == name)).mappings().first()

    return None if row is None else EndpointState(**row)


def list_endpoints(connection: Connection) -> list[EndpointState]:
    """Return the states of all endpoints that were ever started, by name."""
    rows = connection.execute(select(*STATE).order_by(_endpoint.name)).mappings()

    return [EndpointState(**row) for row in rows]


def add_endpoint(connection: Connection, name: str, cursor: str) -> None:
    """Store that an endpoint starts at the cursor; do nothing if it has started before."""
    connection.execute(
        insert(push_endpoints)
        .values(name=name, cursor=cursor, caught_up_at=func.clock_timestamp())
        .on_conflict_do_nothing()
    )
