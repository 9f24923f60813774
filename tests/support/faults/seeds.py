"""Many and long jobs, as they make the reads of the API costly."""

import json
from typing import Any

import psycopg

from tests.support.faults.callbacks import LARGEST_BYTES, callback

EIGHT_HOURS_SECONDS = 8 * 3600
# One sentence of an ordinary length in this time.
_SENTENCE_SECONDS = 4.5

_INSERT = """
INSERT INTO transcriptions (
    id, account_id, status, created_at, updated_at, first_seen_at, received_at, ended_at,
    transcript_sha256, sentences, key_terminal, key_updated_at, key_source, key_sha256
)
SELECT
    'voice_transcription_seed' || lpad(n::text, 20, '0'),
    'AC' || repeat('a', 32),
    CASE n %% 2 WHEN 0 THEN 'RUNNING' ELSE 'COMPLETED' END,
    now() - n * interval '1 second', now(), now(), now(),
    CASE n %% 2 WHEN 1 THEN now() - n * interval '1 second' END,
    CASE WHEN n %% 2 = 1 AND n %% 100 <> 1 THEN sha256(n::text::bytea) END,
    5, n %% 2, now(), 0, sha256(n::text::bytea)
FROM generate_series(1, %s) AS n
"""


def seed_jobs(database: str, count: int) -> None:
    """Insert jobs without events: half of them running, half completed, some without transcript."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_INSERT, [count])
        connection.execute("VACUUM ANALYZE transcriptions")


def eight_hour_call(job: str) -> bytes:
    """Return the callback of a call of eight hours, with sentences of ordinary length."""
    count = int(EIGHT_HOURS_SECONDS / _SENTENCE_SECONDS)

    return _callback(job, "Could you tell me the number of the order, please?", count)


def tiny_sentences(job: str) -> bytes:
    """Return a callback of the largest size, whose sentences have one character each."""
    return _callback(job, "a", LARGEST_BYTES // len(json.dumps(_sentence("a", 10_000))))


def _callback(job: str, text: str, count: int) -> bytes:
    sentences = [_sentence(text, number) for number in range(count)]

    return callback(0, id=job, sentences=sentences)


def _sentence(text: str, number: int) -> dict[str, Any]:
    return {
        "text": text,
        "startTimeSeconds": number * _SENTENCE_SECONDS,
        "audioChannelIndex": number % 2,
    }
