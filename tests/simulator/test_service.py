"""The simulator and the service together: the service stores and returns every callback."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from receiver.simulator.faults import Faults
from tests.support.environment import KEY, serve_app
from tests.support.simulator.account import BY_RECORDING, BY_URL, recording, simulated


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Let the service use the origin of each request, as it has no PUBLIC_URL."""
    return environ | {"PUBLIC_URL": ""}


def test_delivered_callback_is_returned(app: Flask, client: FlaskClient) -> None:
    """The API returns each job once, unless its callback is lost, with its sentences."""
    faults = Faults(lost=0.2, duplicated=0.3, reordered=0.5)
    with (
        serve_app(app) as origin,
        simulated(callback_url=f"{origin}/callbacks/transcription", faults=faults) as simulator,
    ):
        jobs = [
            simulator.create({**BY_RECORDING, "sourceId": recording(number)})
            for number in range(30)
        ]
        failed = simulator.create({**BY_URL, "mediaUrl": "https://example.com/404.wav"})
        simulator.finish()
        lost = set(simulator.event_log.job_ids("lost"))
        assert simulator.event_log.entries("refused") == []
    listed = client.get("/v3/Transcriptions", auth=KEY).get_json()["transcriptions"]
    statuses = {job["id"]: job["status"] for job in listed}
    assert len(listed) == len(statuses)
    assert lost
    expected = {job.id: "COMPLETED" for job in jobs} | {failed.id: "FAILED"}
    assert statuses == {job: status for job, status in expected.items() if job not in lost}
    delivered = next(job for job in jobs if job.id not in lost)
    transcript = client.get(f"/v3/Transcriptions/{delivered.id}/Transcript", auth=KEY)
    assert json.loads(transcript.data)["sentences"] == delivered.sentences()
