"""The routes of transcriptions (voice v3) and of Transcription Configurations (voice v2)."""

from typing import Any

from flask import Flask, request

from receiver.simulator.errors import api_error
from receiver.simulator.job import Job
from receiver.simulator.job_filters import job_matcher
from receiver.simulator.pagination import parse_page_request, render_page
from receiver.simulator.simulator import Simulator

_Response = tuple[dict[str, Any], int, dict[str, str]]


def register(app: Flask, simulator: Simulator) -> None:
    """Add the routes to the application."""
    _register_transcriptions(app, simulator)
    _register_configurations(app, simulator)


def _register_transcriptions(app: Flask, simulator: Simulator) -> None:
    @app.post("/v3/Transcriptions")
    def create() -> _Response:
        key = request.headers.get("Idempotency-Key")
        job = simulator.create(_json_body(), idempotency_key=key)

        return _created(job, key)

    @app.get("/v3/Transcriptions/<job_id>")
    def fetch(job_id: str) -> _Response:
        job, now = simulator.job_store.get(job_id), simulator.clock.now()
        if job is None:
            raise api_error(20404, "There is no such transcription.")
        retry_after = job.retry_after_seconds(now)
        envelope = {
            "operationId": job.id,
            "status": job.status(now),
            "statusUrl": job.url(_origin()),
            "transcription": job.to_resource(now, _origin()),
        }

        return envelope, 200, {"Retry-After": str(retry_after)} if retry_after else {}

    @app.get("/v3/Transcriptions")
    def list_jobs() -> dict[str, Any]:
        page_request = parse_page_request(request.args)
        now, origin = simulator.clock.now(), _origin()
        matches = job_matcher(page_request.filters, now)

        return render_page(
            "transcriptions",
            [job for job in simulator.job_store.newest_first() if matches(job)],
            page_request,
            position=lambda job: -job.number,  # newest first
            render=lambda job: job.to_resource(now, origin),
        )


def _created(job: Job, key: str | None) -> _Response:
    """Return the response to a create request; a repeated request gets the same one."""
    resource, url = job.to_resource(job.created_at, _origin()), job.url(_origin())
    headers = {
        "Location": url,
        "Operation-Id": job.id,
        "Retry-After": str(job.retry_after_seconds(job.created_at) or 1),
    }
    if key:
        headers["Idempotency-Key"] = key

    return (
        {"status": resource["status"], "statusUrl": url, "transcription": resource},
        202,
        headers,
    )


def _register_configurations(app: Flask, simulator: Simulator) -> None:
    @app.post("/v2/Configurations/Transcription")
    def create_configuration() -> _Response:
        return simulator.configurations.create(_json_body(), simulator.clock.now()), 201, {}

    @app.get("/v2/Configurations/Transcription/<name>")
    def fetch_configuration(name: str) -> dict[str, Any]:
        configuration = simulator.configurations.find(name)
        if configuration is None:
            raise api_error(20404, "There is no such transcription configuration.")

        return configuration


def _json_body() -> Any:
    document = request.get_json(silent=True)
    if document is None:
        raise api_error(
            20001, "The request's body must be JSON, with Content-Type: application/json."
        )

    return document


def _origin() -> str:
    """Return the simulator's own origin: no URL in its responses leads to the real Twilio."""
    return request.host_url.rstrip("/")
