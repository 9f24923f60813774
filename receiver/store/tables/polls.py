"""What to ask Twilio about jobs, and the scans of its list."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, text

from receiver.store.tables.columns import metadata, timestamp

# The jobs to poll, and when.
watches = Table(
    "watches",
    metadata,
    Column("job_id", Text(collation="C"), primary_key=True),
    # A receiver.store.polls.reasons.PollReason, and how many polls for it had no result.
    Column("need", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # How many times in a row Twilio didn't know the job.
    Column("unknown", Integer, nullable=False, server_default=text("0")),
    # When to poll; while a process polls the job, the end of its lease. Null: given up.
    timestamp("due_at"),
    Column("gave_up", Text),  # a receiver.store.polls.queue.GiveUpReason
    Index("watches_due", "due_at"),
)

# The scans of Twilio's list of jobs. A scan that didn't read every page has no `completed_at`.
passes = Table(
    "passes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    timestamp("started_at", nullable=False),
    timestamp("created_after", nullable=False),
    # After this time another process may treat the scan as interrupted.
    timestamp("leased_until", nullable=False),
    timestamp("completed_at"),
    timestamp("ended_at"),
    # The next page, for a scan that is continued.
    Column("token", Text),
    Column("checked", Integer, nullable=False, server_default=text("0")),
    Column("changed", Integer, nullable=False, server_default=text("0")),
    Column("found", Integer, nullable=False, server_default=text("0")),
    Column("fault", Text),  # why it ended incomplete
    Index("passes_complete", "started_at", postgresql_where=text("completed_at IS NOT NULL")),
    # At most one scan is in progress.
    Index("passes_open", text("(true)"), unique=True, postgresql_where=text("ended_at IS NULL")),
)
