"""The demo of `make run`: one job with a callback, and one with a lost callback.

The simulator prints what Twilio does. This module prints what the receiver knows.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.credentials import ACCOUNT_SID, API_KEY, AUTH_TOKEN
from dev.http import send_request
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.report import Report
from receiver.reconcile.run import reconcile
from receiver.settings.config import load
from receiver.simulator.configurations import (
    CONVERSATION_CONFIGURATION,
    WITH_CONVERSATION,
)
from receiver.store.clock import DatabaseClock
from receiver.store.engine import make_engine
from receiver.twilio.client import open_twilio

RECORDING_SID = f"RE{'0123456789abcdef' * 2}"
_STEP_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.2

Job = Mapping[str, Any]


def run_demo(origin: str, env: Mapping[str, str]) -> str:
    """Submit both jobs, print each step, and return the id of the job with the callback.

    Raises requests.RequestException, or TimeoutError if a step takes too long.
    """
    called_back = _submit(origin, WITH_CONVERSATION, "PENDING")
    lost = _submit(origin, _create_wrong_configuration(env), "PENDING, with a wrong callback URL")
    job = _wait_for(origin, called_back, _has_transcript)
    print_step("received", called_back, f"{job['transcript']['sentences']} sentences")
    with _reconciler(env) as reconcile_once:
        _wait_for(
            origin, lost, lambda job: job["status"] == "COMPLETED", between_polls=reconcile_once
        )
        job = _wait_for(origin, lost, lambda job: _has_transcript(job) or _is_missing(job))
        if not _has_transcript(job):
            print_step("missing", lost, job["transcript"]["missing"])
            for reason in job["transcript"]["reasons"]:
                print(f"{'':22}{reason}", flush=True)
        job = _wait_for(origin, lost, _has_transcript, between_polls=reconcile_once)
    sentences, source = job["transcript"]["sentences"], job["transcript"]["source"]
    print_step("fetched", lost, f"{sentences} sentences, from its {source}")

    return called_back


def _submit(origin: str, configuration_id: str, detail: str) -> str:
    document = {"transcriptionConfigurationId": configuration_id, "sourceId": RECORDING_SID}
    url = f"{origin}/v3/Transcriptions"
    response = send_request("POST", url, auth=API_KEY, json=document).json()
    job_id = str(response["transcription"]["id"])
    print_step("submitted", job_id, detail)

    return job_id


def _create_wrong_configuration(env: Mapping[str, str]) -> str:
    """Create a configuration whose callback URL is not ours, and return its id."""
    callback = {"url": f"{env['PUBLIC_URL']}/webhooks/transcription", "method": "POST"}
    document = {
        "unique_name": "wrong-url",
        "configuration": {
            "transcriptionStatusCallback": callback,
            "conversationConfigurationId": CONVERSATION_CONFIGURATION,
        },
    }
    url = f"{env['TWILIO_BASE_URL']}/v2/Configurations/Transcription"
    response = send_request("POST", url, auth=(ACCOUNT_SID, AUTH_TOKEN), json=document)

    return str(response.json()["id"])


def _wait_for(
    origin: str,
    job_id: str,
    condition: Callable[[Job], bool],
    *,
    between_polls: Callable[[], None] = lambda: None,
) -> Job:
    """Poll the job until the condition is true, and return it."""
    deadline = time.monotonic() + _STEP_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        response = send_request("GET", f"{origin}/v3/Transcriptions/{job_id}", auth=API_KEY)
        job: Job = response.json()["transcription"]
        if condition(job):
            return job
        time.sleep(_POLL_SECONDS)
        between_polls()

    raise TimeoutError(f"{job_id} did not change as expected in {_STEP_TIMEOUT_SECONDS:.0f} s")


def _has_transcript(job: Job) -> bool:
    return bool(job["transcript"]["available"])


def _is_missing(job: Job) -> bool:
    return "missing" in job["transcript"]


@contextmanager
def _reconciler(env: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """Yield a function that reconciles once, as `flask --app app reconcile` does."""
    settings = load(env)
    # Jobs of earlier runs are unknown to the new simulator. These warnings would only distract.
    logging.getLogger("receiver").addHandler(logging.NullHandler())
    engine = make_engine(settings.database_url, pool_size=1)
    with open_twilio(settings) as twilio:
        context = ReconcileContext(
            engine=engine,
            twilio=twilio,
            account_id=settings.account_sid,
            grace=timedelta(seconds=settings.reconcile_grace_seconds),
            clock=DatabaseClock(engine),
        )
        yield lambda: _print_report(reconcile(context))
    engine.dispose()


def _print_report(report: Report) -> None:
    if report.has_failed:
        raise TimeoutError(f"a request to Twilio failed: {report.fault or report.errors}")
    if report.changed or report.fetched_back:
        print_step(
            "reconciled", "", f"asked Twilio about {report.checked} jobs; {report.changed} changed"
        )


def print_step(event: str, job_id: str, detail: str) -> None:
    """Print one line of what the receiver knows of a job."""
    line = f"  receiver  {datetime.now(UTC):%H:%M:%S}  {event:<10}"
    print("  ".join(filter(None, (line, job_id, detail))), flush=True)
