"""Tests that Twilio's Node SDK reads from this service, and understands its signatures."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine

from tests.support.callback_events import NOON
from tests.support.environment import ROUTE, TOKEN
from tests.support.node import (
    CLIENT,
    FUNCTIONS,
    LOOPS,
    SCRIPTS,
    needs_node_sdk,
    run_node,
    write_library,
)
from tests.support.samples import COMPLETED, ENVELOPE, JOB
from tests.support.simulator.account import BY_RECORDING, simulated
from tests.support.simulator.callback_receiver import serve_receiver
from tests.support.stored_callbacks import callback, record_callback
from tests.support.submitting import READER, WRITER

pytestmark = needs_node_sdk

SHARED_KEY = ("key-1", "the-secret-of-a-shared-key")


@pytest.fixture
def library(tmp_path: Path) -> str:
    """Return the path of a module with what the documents' examples define."""
    return str(write_library(tmp_path))


@pytest.fixture
def jobs(engine: Engine) -> list[str]:
    """Store Twilio's sample and four jobs after it; return their ids, newest first."""
    for body in (COMPLETED, ENVELOPE):
        record_callback(engine, body)
    for number in range(4):
        time = NOON + timedelta(days=number)
        members: dict[str, Any] = {
            "participants": [{"audioChannelIndex": 1, "address": f"+1555000000{number % 2}"}],
            "createdAt": time.isoformat(),
            "updatedAt": (time + timedelta(hours=1)).isoformat(),
        }
        record_callback(engine, callback(f"job{number}", **members), at=time)

    return ["job3", "job2", "job1", JOB, "job0"]


def _get(url: str) -> requests.Response:
    return requests.get(url, auth=READER, headers={"Connection": "close"}, timeout=10)


@pytest.mark.parametrize("location", [{}, {"region": "au1", "edge": "sydney"}])
def test_sdk_reads_jobs_and_transcripts(
    library: str, origin: str, jobs: list[str], location: dict[str, str]
) -> None:
    """The SDK lists with pages, fetches, and reads every format, whatever its region is."""
    script = SCRIPTS / "read.js"
    read = json.loads(run_node(script, library, origin, READER, JOB, location))
    assert read["all"] == [job["id"] for job in read["detailed"]] == jobs
    assert read["limited"] == jobs[:3]
    assert read["pages"] == [jobs[:2], jobs[2:4], jobs[:2]]
    assert (read["createdAfter"], read["isDate"]) == (jobs[:1], True)
    assert (read["fetched"]["status"], read["fetched"]["id"]) == ("COMPLETED", JOB)
    assert read["fetched"]["resolvedConfiguration"]["speechModel"] == "nova-3"
    available = {job["id"]: job["transcript"]["available"] for job in read["detailed"]}
    assert available == dict.fromkeys(jobs, False) | {JOB: True}
    for extension, transcript in read["transcript"].items():
        sent = _get(f"{origin}/v3/Transcriptions/{JOB}/Transcript.{extension}")
        assert transcript == (sent.json() if extension == "json" else sent.content.decode())
    assert read["unknown"] == {"status": 404, "code": 20404}
    assert read["invalid"] == 400
    host = "voice.sydney.au1.twilio.com" if location else "voice.twilio.com"
    assert read["hosts"] == [host]


@pytest.mark.usefixtures("jobs")
def test_consumer_uses_the_filters_of_this_service(library: str, origin: str) -> None:
    """A consumer reads by caller, and what is new, over all pages."""
    filters: list[dict[str, Any]] = [
        {"participantAddress": "+15550000001", "pageSize": 1},
        {"receivedAfter": (NOON + timedelta(days=2)).isoformat(), "pageSize": 1},
        {"updatedAfter": (NOON + timedelta(days=1, hours=1)).isoformat(), "pageSize": 2},
        {"participantAddress": "+15550000000", "receivedAfter": "2026-04-03T00:00:00Z"},
        {"hasTranscript": True, "participantAddress": "+15551234567"},
        {"recievedAfter": "2026-04-03T00:00:00Z"},
    ]
    *found, refused = json.loads(run_node(SCRIPTS / "consume.js", library, origin, READER, filters))
    assert found == [["job3", "job1"], ["job3", "job2"], ["job3", "job2", "job1"], ["job2"], [JOB]]
    assert "receivedAfter" in refused


def test_sdk_submits_a_job(library: str, origin: str) -> None:
    """The SDK submits a job, and gets the same one for the same key; a refusal is its exception."""
    script = SCRIPTS / "submit.js"
    first, second, refused = json.loads(run_node(script, library, origin, WRITER, BY_RECORDING))
    assert (first["statusCode"], first["status"]) == (202, "PENDING")
    assert first == second
    assert first["operationId"] == first["id"]
    assert refused == {"status": 400, "code": 17502}


def test_documented_examples_work(tmp_path: Path, origin: str, jobs: list[str]) -> None:
    """The examples of the documents run one after the other, with the URL and the key filled in."""
    client = re.sub(r'"https://[^"]*"', f'"{origin}"', CLIENT)
    client = re.sub(r'twilio\("[^"]*", "[^"]*"', f'twilio("{READER[0]}", "{READER[1]}"', client)
    received = re.sub(r'receivedAfter: "[^"]*"', f'receivedAfter: "{NOON.isoformat()}"', LOOPS)
    script = tmp_path / "examples.js"
    script.write_text(f"{client}\n{FUNCTIONS}\n(async () => {{\n{received}}})();\n")
    printed = run_node(script)
    assert set(jobs) <= set(printed.split())
    assert "WEBVTT" in printed


@pytest.mark.parametrize("signing_key", [TOKEN, SHARED_KEY], ids=["token", "shared key"])
def test_sdk_validates_the_simulators_signature(signing_key: str | tuple[str, str]) -> None:
    """The SDK finds the simulator's callbacks valid, but no other body, secret or algorithm."""
    with (
        serve_receiver() as receiver,
        simulated(callback_url=f"{receiver.url}{ROUTE}", signing_key=signing_key) as simulator,
    ):
        simulator.create(BY_RECORDING)
        simulator.finish()
    [received] = receiver.received
    request = {
        "secret": signing_key if isinstance(signing_key, str) else signing_key[1],
        "signature": received.headers["X-Twilio-Signature"],
        "settings": received.headers.get("X-Twilio-Webhooks-Signature-Settings", ""),
        "url": f"{receiver.url}{received.path}",
        "body": received.body.decode(),
    }
    wrong = [
        {"body": f"{request['body']} "},
        {"secret": "another"},
        {"settings": "algorithm=HMAC_SHA1" if request["settings"] else "algorithm=HMAC_SHA256"},
    ]
    requests_to_validate = [request, *(request | change for change in wrong)]
    results = json.loads(run_node(SCRIPTS / "validate.js", requests_to_validate))
    assert results == [True, False, False, False]


def test_service_accepts_what_the_sdk_signs(origin: str) -> None:
    """A callback that the SDK has signed is stored."""
    body = callback("job", sentences=[{"text": "Grüße"}])
    script = SCRIPTS / "sign.js"
    printed = run_node(script, f"{origin}{ROUTE}", body.decode(), TOKEN, "HMAC_SHA1")
    url, signature = json.loads(printed)
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/json"}
    answer = requests.post(url, data=body, headers=headers | {"Connection": "close"}, timeout=10)
    assert answer.status_code == 204
    assert _get(f"{origin}/v3/Transcriptions/job").status_code == 200
