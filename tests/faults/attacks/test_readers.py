"""Attacks by clients with a key: costly reads, and submissions to a slow Twilio."""

import pytest

from tests.faults.attacks.conftest import Survive, Target
from tests.support.faults.attack import Attack, clients
from tests.support.faults.profiles import LONG_ONLY, Profile
from tests.support.faults.seeds import eight_hour_call, seed_jobs, tiny_sentences

LONG_CALL = "voice_transcription_eight_hours"
TINY_SENTENCES = "voice_transcription_tiny_sentences"
JOBS = "/v3/Transcriptions"


def transcript(job: str) -> str:
    """Return the path of a transcript as WebVTT."""
    return f"{JOBS}/{job}/Transcript?format=vtt"


@pytest.fixture(scope="module")
def seeded(target: Target, profile: Profile) -> Target:
    """Return a service with many jobs, and two long ones."""
    seed_jobs(target.deployment.database, profile.row_count)
    for body in (eight_hour_call(LONG_CALL), tiny_sentences(TINY_SENTENCES)):
        assert target.web.call(body).status_code == 204

    return target


ATTACKS = [
    Attack(
        "transcript of an eight-hour call as WebVTT",
        "64 readers",
        clients("reads", 64, path=transcript(LONG_CALL)),
    ),
    # Each 304 is a row of the audit, and a commit.
    Attack(
        "304 for a transcript",
        "64 readers",
        clients("unchanged_reads", 64, path=transcript(LONG_CALL)),
    ),
    Attack(
        "status=RUNNING&hasTranscript=true",
        "64 readers",
        clients("reads", 64, path=f"{JOBS}?status=RUNNING&hasTranscript=true"),
    ),
]
LONG_ATTACKS = [
    Attack("the console's jobs", "64 browsers", clients("console_pages", 64, path="/console/jobs")),
    Attack(
        "an eight-hour call in the console",
        "64 browsers",
        clients("console_pages", 64, path=f"/console/jobs/{LONG_CALL}/transcript"),
    ),
    Attack(
        "transcript of 1 MB of tiny sentences",
        "64 readers",
        clients("reads", 64, path=transcript(TINY_SENTENCES)),
    ),
    Attack("scrapes of the metrics", "64 readers", clients("reads", 64, path="/metrics")),
    Attack("completeness", "64 readers", clients("reads", 64, path="/v3/Completeness")),
    Attack(
        "90 Accept fields of 8 kB",
        "8 readers",
        clients("accept_lines", 8, path=f"{JOBS}/{LONG_CALL}/Transcript"),
    ),
    Attack("submissions, Twilio answers after 5 s", "64 clients", clients("submissions", 64)),
]


@pytest.mark.parametrize(
    "attack",
    [*ATTACKS, *(pytest.param(attack, marks=LONG_ONLY) for attack in LONG_ATTACKS)],
    ids=lambda attack: attack.name,
)
def test_readers_delay_no_callback(seeded: Target, withstand: Survive, attack: Attack) -> None:
    """Callbacks are answered in time while clients with a key do their worst."""
    withstand(seeded, attack)
