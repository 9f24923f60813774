"""The test callback: really signed, sent to PUBLIC_URL, seen stored, read back, removed."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus

from sqlalchemy import Engine
from twilio.request_validator import RequestValidator

from receiver.doctor.finding import Finding, NoAnswerError, Verdict, patiently
from receiver.doctor.probe import ProbeError, ProbeRefusedError, call, explain
from receiver.settings.config import Settings
from receiver.settings.keys import ApiKey, SigningKey
from receiver.settings.urls import without_credentials
from receiver.store.event import Outcome
from receiver.store.jobs.remove import remove_job
from receiver.store.ledger.find import LedgerFilter, find_events

SENTENCE = "This is a test that flask doctor sent."
ROUTE = "/callbacks/transcription"
NOBODY = "AC" + "0" * 32  # an account that does not exist


def findings(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Try each signing key, with a job of its own that is removed whatever happens."""
    if settings.public_url is None:
        yield Finding(
            Verdict.FAIL,
            "test callback: not sent, for PUBLIC_URL is not set",
            "Set PUBLIC_URL to the origin that Twilio calls, such as https://app.example.com.",
        )
        return
    for key in settings.signing_keys:
        finding, go_on = _try(settings.public_url, key, settings.api_keys[0], engine)
        yield finding
        if not go_on:
            break


def _try(origin: str, key: SigningKey, reader: ApiKey, engine: Engine) -> tuple[Finding, bool]:
    """Return what became of one callback, and whether another key may fare better."""
    job_id = f"voice_transcription_doctor{secrets.token_hex(10)}"
    said = f"test callback with {key.id}:"
    errors: list[ProbeError] = []
    try:
        _deliver(origin, key, job_id)
        _see(engine, job_id)
        _read_back(origin, reader, job_id)
    except ProbeError as error:
        errors.append(error)
    finally:
        errors += _remove(engine, job_id)
    if errors:
        text, remedy = "; ".join(map(str, errors)), " ".join(error.remedy for error in errors)
        go_on = all(isinstance(error, ProbeRefusedError) for error in errors)
        return Finding(Verdict.FAIL, f"{said} {text}", remedy), go_on

    return Finding(
        Verdict.OK,
        f"{said} taken in, stored, read back by {reader.name}, removed. That shows that the web "
        "process has the same key; whether it is Twilio's only a callback of Twilio's shows. "
        f"Twilio's callback URL must be exactly {without_credentials(origin)}{ROUTE}",
    ), True


def _remove(engine: Engine, job_id: str) -> list[ProbeError]:
    """Remove the job, and return what went wrong with that: it must not hide what did before."""
    try:
        patiently(lambda: remove_job(engine, job_id))
    except NoAnswerError as error:
        what = f"{job_id} was not removed, for the database failed ({error})"
        remedy = f"Delete the job {job_id} from the tables transcriptions and events."
        return [ProbeError(what, remedy)]

    return []


def _deliver(origin: str, key: SigningKey, job_id: str) -> None:
    body = _body(key, job_id)
    url = f"{origin}{ROUTE}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    answer = call("POST", url, body=body, headers=_headers(key, url))
    if answer.status != HTTPStatus.NO_CONTENT:
        raise explain(
            answer,
            refused="Run this command with the web process's own environment: the two differ in "
            "TWILIO_AUTH_TOKEN, TWILIO_SIGNING_KEYS or PUBLIC_URL. If the web process has the "
            "wrong one, correct it there and restart it.",
        )


def _body(key: SigningKey, job_id: str) -> bytes:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    callback = {
        "id": job_id,
        "accountId": key.account or NOBODY,
        "status": "completed",
        "transcriptionConfigurationId": f"voice_transcriptionconfiguration_{'0' * 26}",
        "sourceId": None,
        "duration": 2,
        "participants": [],
        "sentences": [
            {
                "audioChannelIndex": 1,
                "sentenceIndex": 0,
                "participantIndex": None,
                "startTimeSeconds": 0.0,
                "text": SENTENCE,
            }
        ],
        "createdAt": now,
        "updatedAt": now,
    }

    return json.dumps(callback).encode()


def _headers(key: SigningKey, url: str) -> dict[str, str]:
    signature = RequestValidator(key.secret).compute_signature(url, {}, key.algorithm)
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": signature}
    if key.algorithm == "HMAC_SHA256":
        headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={key.id},algorithm={key.algorithm}"

    return headers


def _see(engine: Engine, job_id: str) -> None:
    def look() -> list[str]:
        with engine.connect() as connection:
            events = find_events(connection, LedgerFilter(job=job_id), limit=1)
            return [f"{event.outcome} {event.reason or ''}".strip() for event in events]

    try:
        outcomes = patiently(look)
    except NoAnswerError as error:
        raise ProbeError(f"database: {error}", "Run this command again.") from error
    if not outcomes:
        raise ProbeError(
            f"answered 204, but {job_id} is not in this database",
            "Give this command the DATABASE_URL of the web process, unless PUBLIC_URL leads to "
            "another deployment with the same keys; and delete the test job there.",
        )
    if outcomes != [Outcome.APPLIED]:
        raise ProbeError(
            f"stored as {outcomes[0]}",
            "Deploy the same code and settings to the web process as this command has.",
        )


def _read_back(origin: str, reader: ApiKey, job_id: str) -> None:
    url = f"{origin}/v3/Transcriptions/{job_id}/Transcript?format=text"
    answer = call("GET", url, auth=(reader.name, reader.secret))
    if answer.status != HTTPStatus.OK:
        raise explain(
            answer,
            refused="Give the web process the same API_KEYS as this command has, or this "
            "command the web process's: "
            f"it does not know the key {reader.name}.",
        )
    if SENTENCE.encode() not in answer.body:
        raise ProbeError(
            "stored, but read back without its text",
            "Look for a cache in front of the service that answers in its stead.",
        )
