"""The SQL that records events. Every callback waits for it, so each round trip counts.

The parameters are rows, and a statement accepts any number of them: `jobs` and `events` are JSON
arrays of objects. Their members are named like the columns. `bodies` is an array with the bodies of
the events, in the same order: they are bytes, which JSON can't contain.
"""

from receiver.store.jobs.fold import MERGED_COLUMNS, TRANSCRIPT_COLUMNS

JOB_COLUMNS = (
    "id",
    "account_id",
    "status",
    *MERGED_COLUMNS,
    "received_at",
    "first_seen_at",
    "ended_at",
    *TRANSCRIPT_COLUMNS,
    "key_terminal",
    "key_updated_at",
    "key_source",
    "key_sha256",
)
EVENT_COLUMNS = (
    "sha256",
    "source",
    "job_id",
    "account_id",
    "head",
    "body",
    "body_bytes",
    "content_type",
    "idempotency_token",
    "key_id",
    "url",
    "signature",
    "signature_settings",
    "received_at",
    "last_received_at",
    "deliveries",
    "outcome",
    "reason",
    "detail",
)
# A later validation of the same body replaces these, as long as the event is quarantined.
_VALIDATION_COLUMNS = (
    "job_id",
    "account_id",
    "head",
    "content_type",
    "key_id",
    "url",
    "signature",
    "signature_settings",
    "outcome",
    "reason",
    "detail",
)

# An event that was erased in quarantine has no head, but its validation may still say how its job
# ended.
_IS_REVALIDATED = """e.outcome = 'quarantined'
        OR e.outcome = 'erased' AND e.head IS NULL AND EXCLUDED.outcome = 'erased'"""

_IS_PROMOTED = "e.outcome = 'quarantined' AND EXCLUDED.outcome <> 'quarantined'"

# The rule of receiver.store.jobs.fold: a transcript with sentences first, then one that isn't from
# a conversation.
_REPLACES_TRANSCRIPT = """EXCLUDED.sentences IS NOT NULL AND (t.sentences IS NULL
            OR (EXCLUDED.sentences > 0, EXCLUDED.transcript_source <> 'conversation')
            >= (t.sentences > 0, t.transcript_source IS DISTINCT FROM 'conversation'))"""

LIMIT_LOCK_WAIT = "SELECT set_config('lock_timeout', %(lock_timeout)s, true)"

# An erasure waits for the writers that may not have seen its tombstone. It finds them by this
# lock. A statement that writes has it before it reads; a transaction that reads first must take it.
SHOW_WRITER = "LOCK TABLE transcriptions IN ROW EXCLUSIVE MODE"


def _compact(statement: str) -> str:
    """Return the statement in one line: psycopg parses it once if it has at most 4,096 bytes."""
    return " ".join(statement.split())


_JOB_ROWS = f"""
SELECT {", ".join(JOB_COLUMNS)} FROM jsonb_populate_recordset(NULL::transcriptions, %(jobs)s)
"""  # noqa: S608 - made of the column names above
_EVENT_ROWS = f"""
SELECT {
    ", ".join(
        "(%(bodies)b::bytea[])[ordinality]" if name == "body" else name for name in EVENT_COLUMNS
    )
}
FROM jsonb_populate_recordset(NULL::events, %(events)s) WITH ORDINALITY
"""  # noqa: S608 - made of the column names above

# Whether the job FAILED with this event. A statement reads rows as they were before it. The job is
# read for such events only: a CASE evaluates nothing that it doesn't need.
_HAS_FAILED_NOW = """CASE WHEN events.head ->> 'status' = 'FAILED' THEN
    (SELECT status FROM transcriptions WHERE id = events.job_id COLLATE "C")
        IS DISTINCT FROM 'FAILED' ELSE false END"""

# One look for all events: erased ones are so rare that the whole batch may be recorded one by one.
# The keys are one text with blanks between them, because the driver takes 30 µs for a list.
_NOTHING_IS_ERASED = (
    "NOT EXISTS (SELECT FROM tombstones WHERE key = ANY(string_to_array(%(keys)s, ' ')))"
)

# Jobs are written first, here as everywhere, and in the order of their ids: so writers don't
# deadlock. The first condition is always true. It is evaluated before any row is locked, and sets
# the lock timeout until the end of the transaction, without a round trip of its own. Each job may
# occur once. Late, known, foreign or erased events write nothing and return no row. The job's row
# shows an erasure that was committed while this statement waited for it. A quarantined duplicate
# violates the uniqueness of its digest, which rolls back the whole batch.
RECORD_NEWEST = _compact(f"""
WITH job AS (
    INSERT INTO transcriptions AS t ({", ".join(JOB_COLUMNS)})
    {_JOB_ROWS} WHERE ({LIMIT_LOCK_WAIT}) IS NOT NULL AND {_NOTHING_IS_ERASED}
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        status = EXCLUDED.status,
        {", ".join(f"{name} = COALESCE(EXCLUDED.{name}, t.{name})" for name in MERGED_COLUMNS)},
        received_at = LEAST(t.received_at, EXCLUDED.received_at),
        first_seen_at = LEAST(t.first_seen_at, EXCLUDED.first_seen_at),
        ended_at = LEAST(t.ended_at, EXCLUDED.ended_at),
        ({", ".join(TRANSCRIPT_COLUMNS)}, transcript_expired_at) = (
            SELECT {
    ", ".join(
        f"CASE WHEN replaces THEN EXCLUDED.{name} ELSE t.{name} END" for name in TRANSCRIPT_COLUMNS
    )
},
                CASE WHEN replaces THEN NULL ELSE t.transcript_expired_at END
            FROM (SELECT {_REPLACES_TRANSCRIPT}) AS rule (replaces)),
        key_terminal = EXCLUDED.key_terminal,
        key_updated_at = EXCLUDED.key_updated_at,
        key_source = EXCLUDED.key_source,
        key_sha256 = EXCLUDED.key_sha256,
        transaction_id = pg_current_xact_id()
    WHERE t.account_id = EXCLUDED.account_id AND t.erased_at IS NULL
        AND (EXCLUDED.key_terminal, EXCLUDED.key_updated_at,
             EXCLUDED.key_source, EXCLUDED.key_sha256)
            > (t.key_terminal, t.key_updated_at, t.key_source, t.key_sha256)
    RETURNING t.id
)
INSERT INTO events ({", ".join(EVENT_COLUMNS)})
{_EVENT_ROWS} JOIN job ON job.id = job_id
RETURNING sha256, id, outcome, reason, detail, {_HAS_FAILED_NOW}
""")  # noqa: S608 - made of the column names above

CLAIM_JOB = f"""
INSERT INTO transcriptions ({", ".join(JOB_COLUMNS)}) {_JOB_ROWS}
ON CONFLICT (id) DO NOTHING
"""


def _record_event_where(condition: str) -> str:
    return f"""
INSERT INTO events AS e ({", ".join(EVENT_COLUMNS)}) {_EVENT_ROWS} WHERE {condition}
ON CONFLICT (sha256) DO UPDATE SET
    deliveries = e.deliveries + EXCLUDED.deliveries,
    received_at = LEAST(e.received_at, EXCLUDED.received_at),
    last_received_at = GREATEST(e.last_received_at, EXCLUDED.last_received_at),
    {
        ", ".join(
            f"{name} = CASE WHEN {_IS_REVALIDATED} THEN EXCLUDED.{name} ELSE e.{name} END"
            for name in _VALIDATION_COLUMNS
        )
    },
    promoted_at = CASE WHEN {_IS_PROMOTED} THEN now() ELSE e.promoted_at END,
    promoted_from = CASE WHEN {_IS_PROMOTED} THEN e.reason ELSE e.promoted_from END,
    transaction_id = pg_current_xact_id()
RETURNING sha256, id, outcome, reason, detail, body IS NOT NULL AS has_body
"""


# The validation of a known body replaces the earlier one, but an applied event stays applied. When
# an event leaves the quarantine, `promoted_from` stores the reason why it was there.
RECORD_EVENT = _record_event_where("true")

# The same for an event in quarantine, which has no job: nothing of an erased one is stored. What it
# claims counts only if its job began before that was erased.
RECORD_QUARANTINED = _record_event_where(f"""{_NOTHING_IS_ERASED} AND NOT EXISTS (
    SELECT FROM tombstones WHERE key = ANY(%(claimed_keys)s) AND erased_at > %(began_at)s
)""")
