"""Readers at full load: attacks with a read key, and one without any key.

Each attack sends requests without a pause until the event is set. It takes the service's origin, an
API key and the event, so it can run in a process of its own.
"""

import base64
import http.client
import itertools
import json
import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from tests.support.faults.callbacks import callback, job_id
from tests.support.server import (
    WebServer,
)
from tests.support.waiting import wait_until

Key = tuple[str, str]
Attack = Callable[[str, Key, Event], None]

READER_COUNT = 64
MIN_READER_COUNT = 16
PROBE_COUNT = 300
TINY_JOB_COUNT = 16
# Each transcript has its own number; other callbacks of a test have higher ones.
LONG_JOB = 0
TINY_JOBS = range(1, 1 + TINY_JOB_COUNT)


def long_call() -> bytes:
    """Return the callback of a call of eight hours: a sentence every four seconds."""
    sentences = [
        {
            "audioChannelIndex": 1,
            "sentenceIndex": number,
            "participantIndex": 0,
            "startTimeSeconds": 4.0 * number,
            "text": f"This is sentence {number} of a call that takes eight hours.",
        }
        for number in range(7200)
    ]

    return callback(LONG_JOB, sentences=sentences, size=0)


def tiny_sentences(number: int) -> bytes:
    """Return a callback of 1 MB with the shortest possible sentences."""
    return callback(number, sentences=[{"text": "a"}] * 65_000, size=0)


def fill_jobs(database: str, count: int) -> None:
    """Store jobs: a tenth is RUNNING, all others are COMPLETED and have a transcript."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO transcriptions (id, account_id, status, configuration_id, language,
                created_at, first_seen_at, ended_at, transcript_sha256, sentences, key_terminal,
                key_updated_at, key_source, key_sha256)
            SELECT 'voice_transcription_' || lpad(md5(n::text), 26, '0'), 'AC',
                CASE WHEN n %% 10 = 0 THEN 'RUNNING' ELSE 'COMPLETED' END, 'configuration',
                'en-US', at, at, at, CASE WHEN n %% 10 <> 0 THEN sha256(n::text::bytea) END, 1, 1,
                at, 1, sha256(n::text::bytea)
            FROM (SELECT n, timestamptz '2025-01-01' + n * interval '30 s' AS at
                  FROM generate_series(1, %s) AS n) AS numbered
            """,
            [count],
        )
        connection.execute("VACUUM ANALYZE transcriptions")


def read_long_call(origin: str, key: Key, stop: Event) -> None:
    """Read one long call as WebVTT."""
    _read_all(origin, key, stop, [_transcript(LONG_JOB, "vtt")], READER_COUNT)


def read_tiny_sentences(origin: str, key: Key, stop: Event) -> None:
    """Read many transcripts with tiny sentences in all formats."""
    paths = [_transcript(number, name) for number in TINY_JOBS for name in ("vtt", "srt", "text")]
    _read_all(origin, key, stop, paths, MIN_READER_COUNT)


def read_filter_pair(origin: str, key: Key, stop: Event) -> None:
    """List by pairs of filters that no or few jobs pass."""
    paths = [
        "/v3/Transcriptions?status=RUNNING&hasTranscript=true",
        "/v3/Transcriptions?status=RUNNING&hasTranscript=true&languageCode=en-US",
        "/v3/Transcriptions?languageCode=en-US&transcriptionConfigurationId=other",
        "/v3/Transcriptions?languageCode=en-US&status=FAILED&hasTranscript=false",
    ]
    _read_all(origin, key, stop, paths, READER_COUNT)


def read_lists(origin: str, key: Key, stop: Event) -> None:
    """List the largest pages."""
    _read_all(origin, key, stop, ["/v3/Transcriptions?pageSize=100"], READER_COUNT)


def read_exports(origin: str, key: Key, stop: Event) -> None:
    """Export all jobs at full speed, as many clients as find a place; the others try again."""
    _read_all(origin, key, stop, ["/v3/Export", "/v3/Export?format=csv"], READER_COUNT)


def read_completeness(origin: str, key: Key, stop: Event) -> None:
    """Read the figures of completeness."""
    _read_all(origin, key, stop, ["/v3/Completeness"], READER_COUNT)


def read_bodies(origin: str, key: Key, stop: Event) -> None:
    """Read the bodies of the largest callbacks, as they are listed for their jobs."""
    connection = http.client.HTTPConnection(urlsplit(origin).netloc, timeout=30)
    paths = []
    for number in TINY_JOBS:
        path = f"/v3/Transcriptions/{job_id(number)}/Callbacks"
        connection.request("GET", path, headers=_authorization(key))
        listed = json.loads(connection.getresponse().read())
        paths += [f"{path}/{each['id']}/Body" for each in listed["callbacks"]]
    connection.close()
    _read_all(origin, key, stop, paths, READER_COUNT)


def probe_readiness(origin: str, key: Key, stop: Event) -> None:
    """Ask whether the service is ready, as many clients without a key."""
    _read_all(origin, key, stop, ["/readyz"], PROBE_COUNT)


@contextmanager
def attack(run: Attack, web: WebServer, key: Key) -> Iterator[None]:
    """Run the attack in a process of its own, from its first connections until the block ends."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=run, args=(web.url, key, stop), daemon=True)
    process.start()
    try:
        wait_until(lambda: len(psutil.Process(process.pid).net_connections()) >= MIN_READER_COUNT)
        yield
    finally:
        stop.set()
        # Its last requests may wait for seconds.
        process.kill()
        process.join()


def _transcript(number: int, name: str) -> str:
    return f"/v3/Transcriptions/{job_id(number)}/Transcript?format={name}"


def _authorization(key: Key) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(':'.join(key).encode()).decode()}"}


def _read_all(origin: str, key: Key, stop: Event, paths: Sequence[str], client_count: int) -> None:
    """Read the paths in turn with this many clients until the event is set."""
    numbers = itertools.count()
    arguments = (urlsplit(origin).netloc, _authorization(key), stop, paths, numbers)
    threads = [threading.Thread(target=_read, args=arguments) for _ in range(client_count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _read(
    netloc: str, headers: dict[str, str], stop: Event, paths: Sequence[str], numbers: Any
) -> None:
    connection = http.client.HTTPConnection(netloc, timeout=15)
    while not stop.is_set():
        try:
            connection.request("GET", paths[next(numbers) % len(paths)], headers=headers)
            connection.getresponse().read()
        except OSError:
            connection.close()
    connection.close()
