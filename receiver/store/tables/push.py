"""The endpoints of push."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text, Uuid, text

from receiver.store.tables.columns import metadata, timestamp

# One row for each endpoint of `push`: it has received the feed of changes up to the cursor. What
# waits is read from the feed, and stored nowhere else.
push_endpoints = Table(
    "push_endpoints",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    # Of receiver.changes.cursor; null: the beginning of the feed.
    Column("cursor", Text),
    # The number of the last attempt.
    Column("sequence", BigInteger, nullable=False, server_default=text("0")),
    # The process that sends, until its lease ends.
    Column("claim", Uuid),
    timestamp("claimed_until"),
    # How often the change after the cursor was refused or not answered, and when to try again.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    timestamp("retry_at"),
    timestamp("failing_since"),
    Column("failing_job_id", Text),
    Column("last_error", Text),
    # It answered 410, and gets nothing more.
    timestamp("disabled_at"),
    timestamp("delivered_at"),
    # When it was last known to have everything.
    timestamp("caught_up_at", nullable=False),
)
