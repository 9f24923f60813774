"""A job's whole life on one screen, and that of another whose callback is lost.

What Twilio does is told by the simulator's own lines; what the receiver knows of it, by these.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.credentials import ACCOUNT_SID, API_KEY, AUTH_TOKEN
from dev.http import ask
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.report import Report
from receiver.reconcile.run import reconcile
from receiver.settings.config import load
from receiver.simulator.configurations import (
    CONVERSATION_CONFIGURATION,
    WITH_CONVERSATION,
)
from receiver.store.engine import make_engine
from receiver.twilio.client import open_twilio

RECORDING = f"RE{'0123456789abcdef' * 2}"
_PATIENCE = 60.0  # seconds, for each step

Job = Mapping[str, Any]


def live(origin: str, env: Mapping[str, str]) -> str:
    """Tell two jobs' lives while they happen, and return the id of the one that is called back.

    Raises requests.RequestException or TimeoutError where a step doesn't come.
    """
    heard = _submit(origin, WITH_CONVERSATION, "PENDING")
    lost = _submit(origin, _mistyped(env), "PENDING, with a mistyped callback URL")
    job = _wait(origin, heard, _is_here)
    _tell("received", heard, f"{job['transcript']['sentences']} sentences")
    with _reconciling(env) as once:
        _wait(origin, lost, lambda job: job["status"] == "COMPLETED", meanwhile=once)
        job = _wait(origin, lost, lambda job: _is_here(job) or "missing" in job["transcript"])
        if not _is_here(job):
            _tell("missing", lost, job["transcript"]["missing"])
            for reason in job["transcript"]["reasons"]:
                print(f"{'':22}{reason}", flush=True)
        job = _wait(origin, lost, _is_here, meanwhile=once)
    sentences, source = job["transcript"]["sentences"], job["transcript"]["source"]
    _tell("fetched", lost, f"{sentences} sentences, from its {source}")

    return heard


def _submit(origin: str, configuration: str, said: str) -> str:
    document = {"transcriptionConfigurationId": configuration, "sourceId": RECORDING}
    answer = ask("POST", f"{origin}/v3/Transcriptions", auth=API_KEY, json=document).json()
    job_id = str(answer["transcription"]["id"])
    _tell("submitted", job_id, said)

    return job_id


def _mistyped(env: Mapping[str, str]) -> str:
    """Make a configuration at Twilio whose callbacks arrive nowhere, and return its id."""
    wrong = {"url": f"{env['PUBLIC_URL']}/callbacks/transcriptions", "method": "POST"}
    document = {
        "unique_name": "mistyped",
        "configuration": {
            "transcriptionStatusCallback": wrong,
            "conversationConfigurationId": CONVERSATION_CONFIGURATION,
        },
    }
    url = f"{env['TWILIO_BASE_URL']}/v2/Configurations/Transcription"

    return str(ask("POST", url, auth=(ACCOUNT_SID, AUTH_TOKEN), json=document).json()["id"])


def _wait(
    origin: str,
    job_id: str,
    is_so: Callable[[Job], bool],
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> Job:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        answer = ask("GET", f"{origin}/v3/Transcriptions/{job_id}", auth=API_KEY).json()
        job: Job = answer["transcription"]
        if is_so(job):
            return job
        time.sleep(0.2)
        meanwhile()

    raise TimeoutError(f"nothing became of {job_id} within {_PATIENCE:.0f} s")


@contextmanager
def _reconciling(env: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """Yield what does one pass, as `flask --app app reconcile` does."""
    settings = load(env)
    # What an earlier run's Twilio made, this one doesn't know: that is nothing to tell here.
    logging.getLogger("receiver").addHandler(logging.NullHandler())
    engine = make_engine(settings.database_url, pool_size=1)
    with open_twilio(settings) as twilio:
        desk = ReconcileContext(
            engine=engine,
            twilio=twilio,
            account_id=settings.account_sid,
            grace=timedelta(seconds=settings.reconcile_grace_seconds),
        )
        yield lambda: _tell_pass(reconcile(desk))
    engine.dispose()


def _tell_pass(report: Report) -> None:
    if report.has_failed:
        raise TimeoutError(f"Twilio could not be asked: {report.fault or report.errors}")
    if report.changed or report.fetched_back:
        _tell("reconciled", "", f"{report.checked} answers of Twilio's, {report.changed} with news")


def _is_here(job: Job) -> bool:
    return bool(job["transcript"]["available"])


def _tell(what: str, job_id: str, detail: str) -> None:
    line = f"  receiver  {datetime.now(UTC):%H:%M:%S}  {what:<10}"
    print("  ".join(filter(None, (line, job_id, detail))), flush=True)
