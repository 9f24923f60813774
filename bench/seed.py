"""Creates many plausible jobs, inside the database."""

from bench.database import Database
from bench.load import callbacks

# Job `n` was created `n` half minutes ago. Of a hundred jobs two have failed and one is still
# running. Half of the jobs are stored in a conversation, two in each. The older half has a
# configuration and a language that no newer job has.
_JOB = f"""
    'voice_transcription_' || lpad(n::text, 26, '0') AS id,
    '{callbacks.ACCOUNT}' AS account_id,
    CASE WHEN n % 100 = 0 THEN 'RUNNING' WHEN n % 50 = 1 THEN 'FAILED' ELSE 'COMPLETED' END
        AS status,
    'voice_transcriptionconfiguration_'
        || lpad((CASE WHEN n > {{count}} / 2 THEN 5 ELSE n % 5 END)::text, 26, '0')
        AS configuration_id,
    'RE' || md5(n::text) AS source_id,
    CASE WHEN n % 4 < 2
        THEN 'conv_conversation_' || lpad((n / 4)::text, 26, '0') END AS conversation_id,
    60 + n % 600 AS duration,
    '[{{"audioChannelIndex": 1, "type": "CUSTOMER", "name": "Jane", "address": "+15550100"}},
      {{"audioChannelIndex": 2, "type": "HUMAN_AGENT", "name": "Sam", "address": "+15550199"}}]'
        AS participants,
    CASE WHEN n > {{count}} / 2 THEN 'it-IT' ELSE
        (ARRAY['en-US', 'en-US', 'en-US', 'en-GB', 'es-ES', 'en-US', 'en-US', 'de-DE'])[n % 8 + 1]
        END AS language,
    date_trunc('second', now()) - n * interval '30 seconds' AS created_at
"""

_OURS = f"""
INSERT INTO transcriptions (
    id, account_id, status, configuration_id, source_id, conversation_id, duration, participants,
    resolved_configuration, language, created_at, updated_at, received_at, first_seen_at,
    transcript_sha256, sentences, key_terminal, key_updated_at, key_source, key_sha256
)
SELECT
    id, account_id, status, configuration_id, source_id, conversation_id, duration,
    participants::jsonb, jsonb_build_object('language', language), language, created_at,
    created_at + interval '5 minutes', created_at + interval '5 minutes',
    created_at + interval '5 minutes',
    CASE status WHEN 'COMPLETED' THEN sha256(id::bytea) END,
    CASE status WHEN 'COMPLETED' THEN 40 END,
    CASE status WHEN 'RUNNING' THEN 0 ELSE 1 END, created_at + interval '5 minutes', 3,
    sha256(id::bytea)
FROM (SELECT {_JOB} FROM generate_series(1, {{count}}) AS n) AS job
"""  # noqa: S608 - ours

_TUTORIAL = f"""
INSERT INTO transcription (
    id, account_id, status, configuration_id, source_id, duration, participants, sentences,
    created_at, updated_at
)
SELECT
    id, account_id, status, configuration_id, source_id, duration, participants::json, '[]',
    created_at, created_at + interval '5 minutes'
FROM (SELECT {_JOB} FROM generate_series(1, {{count}}) AS n) AS job
"""  # noqa: S608 - ours


def fill_ours(database: Database, count: int) -> None:
    """Insert this number of jobs into our own tables."""
    database.execute(
        _OURS.replace("{count}", str(count)), "VACUUM ANALYZE transcriptions", "CHECKPOINT"
    )


def fill_tutorial(database: Database, count: int) -> None:
    """Insert this number of jobs into the tutorial peer's table."""
    database.execute(
        _TUTORIAL.replace("{count}", str(count)), "VACUUM ANALYZE transcription", "CHECKPOINT"
    )


def job_id(number: int) -> str:
    """Return the id of a job."""
    return f"voice_transcription_{number:026}"


def configuration_id(number: int) -> str:
    """Return the id of a configuration: new jobs have 0 to 4, old jobs have 5."""
    return f"voice_transcriptionconfiguration_{number:026}"
