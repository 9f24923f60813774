"""Voice: the routes of jobs (v3) and of Transcription Configurations (v2)."""

from typing import Any

from flask import Flask, request

from receiver.simulator.job import Job
from receiver.simulator.listing import page, place_of, wanted
from receiver.simulator.problem import refusal
from receiver.simulator.simulator import Simulator

_Answer = tuple[dict[str, Any], int, dict[str, str]]


def register(app: Flask, simulator: Simulator) -> None:
    """Give the application its routes."""
    _jobs(app, simulator)
    _configurations(app, simulator)


def _jobs(app: Flask, simulator: Simulator) -> None:
    @app.post("/v3/Transcriptions")
    def create() -> _Answer:
        key = request.headers.get("Idempotency-Key")
        job = simulator.create(_document(), idempotency_key=key)

        return _accepted(job, key)

    @app.get("/v3/Transcriptions/<job_id>")
    def fetch(job_id: str) -> _Answer:
        job, now = simulator.memory.job(job_id), simulator.clock.now()
        if job is None:
            raise refusal(20404, "There is no such transcription.")
        patience = job.patience(now)
        envelope = {
            "operationId": job.id,
            "status": job.status(now),
            "statusUrl": job.url(_origin()),
            "transcription": job.resource(now, _origin()),
        }

        return envelope, 200, {"Retry-After": str(patience)} if patience else {}

    @app.get("/v3/Transcriptions")
    def list_jobs() -> dict[str, Any]:
        place, now, origin = place_of(request.args), simulator.clock.now(), _origin()
        passes = wanted(place.filters, now)

        return page(
            "transcriptions",
            [job for job in simulator.memory.jobs() if passes(job)],
            place,
            position=lambda job: -job.number,  # newest first
            shown=lambda job: job.resource(now, origin),
        )


def _accepted(job: Job, key: str | None) -> _Answer:
    """Return the answer to a create, as it was the first time."""
    resource, url = job.resource(job.created_at, _origin()), job.url(_origin())
    headers = {
        "Location": url,
        "Operation-Id": job.id,
        "Retry-After": str(job.patience(job.created_at) or 1),
    }
    if key:
        headers["Idempotency-Key"] = key

    return (
        {"status": resource["status"], "statusUrl": url, "transcription": resource},
        202,
        headers,
    )


def _configurations(app: Flask, simulator: Simulator) -> None:
    @app.post("/v2/Configurations/Transcription")
    def create_configuration() -> _Answer:
        return simulator.configurations.create(_document(), simulator.clock.now()), 201, {}

    @app.get("/v2/Configurations/Transcription/<name>")
    def fetch_configuration(name: str) -> dict[str, Any]:
        found = simulator.configurations.find(name)
        if found is None:
            raise refusal(20404, "There is no such transcription configuration.")

        return found


def _document() -> Any:
    document = request.get_json(silent=True)
    if document is None:
        raise refusal(20001, "The request's body must be JSON, and be sent as that.")

    return document


def _origin() -> str:
    """Return the simulator's origin: none of its URLs leads to the real Twilio."""
    return request.host_url.rstrip("/")
