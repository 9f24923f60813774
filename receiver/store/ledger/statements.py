"""The statements that write: SQL on the way of every callback, where each round trip counts.

Their parameters are rows: `jobs` and `events`, JSON arrays of objects with the columns' names, and
`bodies`, those of the events in the same order, which JSON could only hold as text. So a statement
takes any number of them.
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
# What a later judgement of the same body may replace, as long as it has not been applied.
_JUDGEMENT = (
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


_PROMOTED = "e.outcome = 'quarantined' AND EXCLUDED.outcome <> 'quarantined'"


# As receiver.store.jobs.fold has it: a full transcript first, then one that the job itself brought.
_REPLACES = """EXCLUDED.sentences IS NOT NULL AND (t.sentences IS NULL
            OR (EXCLUDED.sentences > 0, EXCLUDED.transcript_source <> 'conversation')
            >= (t.sentences > 0, t.transcript_source IS DISTINCT FROM 'conversation'))"""


_JOBS = f"""
SELECT {", ".join(JOB_COLUMNS)} FROM jsonb_populate_recordset(NULL::transcriptions, %(jobs)s)
"""  # noqa: S608 - made of the column names above
_EVENTS = f"""
SELECT {
    ", ".join(
        "(%(bodies)b::bytea[])[ordinality]" if name == "body" else f"told.{name}"
        for name in EVENT_COLUMNS
    )
}
FROM jsonb_populate_recordset(NULL::events, %(events)s) WITH ORDINALITY AS told
"""  # noqa: S608 - likewise


# The jobs come first, here as everywhere, and in their order, so that no two writers lock rows
# crosswise; no job may come twice. No row comes back of an event that is late, known already, or
# another account's: of that one nothing is written. One that is in the ledger as quarantined
# violates its digest's uniqueness: then nothing is written of any.
RECORD_NEWEST = f"""
WITH job AS (
    INSERT INTO transcriptions AS t ({", ".join(JOB_COLUMNS)})
    {_JOBS} ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        status = EXCLUDED.status,
        {", ".join(f"{name} = COALESCE(EXCLUDED.{name}, t.{name})" for name in MERGED_COLUMNS)},
        received_at = LEAST(t.received_at, EXCLUDED.received_at),
        first_seen_at = LEAST(t.first_seen_at, EXCLUDED.first_seen_at),
        ended_at = LEAST(t.ended_at, EXCLUDED.ended_at),
        {
    ", ".join(
        f"{name} = CASE WHEN {_REPLACES} THEN EXCLUDED.{name} ELSE t.{name} END"
        for name in TRANSCRIPT_COLUMNS
    )
},
        key_terminal = EXCLUDED.key_terminal,
        key_updated_at = EXCLUDED.key_updated_at,
        key_source = EXCLUDED.key_source,
        key_sha256 = EXCLUDED.key_sha256,
        transaction_id = pg_current_xact_id()
    WHERE t.account_id = EXCLUDED.account_id
        AND (EXCLUDED.key_terminal, EXCLUDED.key_updated_at,
             EXCLUDED.key_source, EXCLUDED.key_sha256)
            > (t.key_terminal, t.key_updated_at, t.key_source, t.key_sha256)
    RETURNING t.id
)
INSERT INTO events ({", ".join(EVENT_COLUMNS)})
{_EVENTS} JOIN job ON job.id = told.job_id
RETURNING sha256, id, outcome, reason, detail
"""

CLAIM_JOB = f"""
INSERT INTO transcriptions ({", ".join(JOB_COLUMNS)}) {_JOBS}
ON CONFLICT (id) DO NOTHING
"""

# A body that is known already is judged anew; but what has been applied stays applied, and what is
# now remembers why it was not.
RECORD_EVENT = f"""
INSERT INTO events AS e ({", ".join(EVENT_COLUMNS)}) {_EVENTS}
ON CONFLICT (sha256) DO UPDATE SET
    deliveries = e.deliveries + EXCLUDED.deliveries,
    received_at = LEAST(e.received_at, EXCLUDED.received_at),
    last_received_at = GREATEST(e.last_received_at, EXCLUDED.last_received_at),
    {
    ", ".join(
        f"{name} = CASE e.outcome WHEN 'quarantined' THEN EXCLUDED.{name} ELSE e.{name} END"
        for name in _JUDGEMENT
    )
},
    promoted_at = CASE WHEN {_PROMOTED} THEN now() ELSE e.promoted_at END,
    promoted_from = CASE WHEN {_PROMOTED} THEN e.reason ELSE e.promoted_from END,
    transaction_id = pg_current_xact_id()
RETURNING sha256, id, outcome, reason, detail
"""
