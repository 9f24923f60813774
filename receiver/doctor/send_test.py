"""Sends a signed test callback to PUBLIC_URL, checks that it is stored and readable, removes it."""

import secrets
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from sqlalchemy import Connection, Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.probe import CredentialRejectedError, ProbeError, call
from receiver.doctor.probe_errors import explain
from receiver.doctor.query import QueryError, query, query_errors
from receiver.doctor.signed_callback import TEST_SENTENCE, SignedCallback, signed_callback
from receiver.settings.config import Settings
from receiver.settings.keys import ApiKey, SigningKey
from receiver.settings.urls import CALLBACK_PATH, without_credentials
from receiver.store.event import Outcome
from receiver.store.jobs.remove import remove_job
from receiver.store.ledger.find import LedgerFilter, find_events

# Twilio skips a callback above 1 MB (its error 17564). This is the larger reading of "1 MB".
LARGEST_TEST_BYTES = 2**20


def check_test_callbacks(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Send one test callback per signing key, each for its own job, which is always removed.

    Stop after a failure that would be the same for every key. After a success, send one of the
    largest size, because proxies often have a lower limit.
    """
    if settings.public_url is None:
        yield Finding(
            Verdict.FAIL,
            "test callback: not sent, because PUBLIC_URL is not set",
            "Set PUBLIC_URL to the origin that Twilio calls, such as https://app.example.com.",
        )
        return
    accepted = None
    for key in settings.signing_keys:
        reader = _reader_of(key, settings.api_keys)
        errors = _send_and_remove(settings.public_url, key, reader, engine)
        yield _finding(settings.public_url, key, reader, errors)
        if not all(isinstance(error, CredentialRejectedError) for error in errors):
            return
        accepted = key if not errors else accepted
    if accepted:
        errors = _send_and_remove(
            settings.public_url, accepted, reader, engine, min_bytes=LARGEST_TEST_BYTES
        )
        yield _large_finding(errors)


def _reader_of(key: SigningKey, api_keys: Sequence[ApiKey]) -> ApiKey | None:
    """Return the first API key that may read what the signing key signs; None if none may."""
    readers = (
        reader
        for reader in api_keys
        if key.account is None or reader.account in {None, key.account}
    )

    return next(readers, None)


def _send_and_remove(
    origin: str, key: SigningKey, reader: ApiKey | None, engine: Engine, *, min_bytes: int = 0
) -> list[ProbeError]:
    """Return what went wrong, first with the callback and then with its removal."""
    job_id = f"voice_transcription_doctor{secrets.token_hex(10)}"
    account_id = key.account or (reader.account if reader else None)
    errors: list[ProbeError] = []
    try:
        callback = signed_callback(origin, key, job_id, account_id=account_id, min_bytes=min_bytes)
        _send(callback)
        _check_stored(engine, job_id)
        if reader:
            _check_readable(origin, reader, job_id)
    except ProbeError as error:
        errors.append(error)
    finally:
        errors += _remove(engine, job_id)

    return errors


def _finding(
    origin: str, key: SigningKey, reader: ApiKey | None, errors: list[ProbeError]
) -> Finding:
    prefix = f"test callback with {key.id}:"
    if errors:
        return _failure(prefix, errors)

    read_back = f"read back by {reader.name}" if reader else "not read (no API key may)"

    return Finding(
        Verdict.OK,
        f"{prefix} accepted, stored, {read_back} and removed. This proves that the "
        "web process has the same key; only a callback from Twilio proves that Twilio has it too. "
        f"The callback URL at Twilio must be exactly {without_credentials(origin)}{CALLBACK_PATH}",
    )


def _large_finding(errors: list[ProbeError]) -> Finding:
    prefix = f"test callback of {LARGEST_TEST_BYTES} bytes, the most that Twilio sends:"
    if errors:
        return _failure(prefix, errors)

    return Finding(Verdict.OK, f"{prefix} accepted, stored, read back and removed")


def _failure(prefix: str, errors: list[ProbeError]) -> Finding:
    return Finding(
        Verdict.FAIL,
        f"{prefix} {'; '.join(map(str, errors))}",
        " ".join(error.remedy for error in errors),
    )


def _send(callback: SignedCallback) -> None:
    answer = call("POST", callback.url, body=callback.body, headers=callback.headers)
    if answer.status != HTTPStatus.NO_CONTENT:
        raise explain(
            answer,
            credential_remedy="Run this command with the same environment as the web process: the "
            "two differ in TWILIO_AUTH_TOKEN, TWILIO_SIGNING_KEYS or PUBLIC_URL. If the value of "
            "the web process is wrong, correct it and restart the web process.",
        )


def _check_stored(engine: Engine, job_id: str) -> None:
    try:
        outcomes = query(engine, _outcomes, job_id)
    except QueryError as error:
        raise ProbeError(f"database: {error}", "Run this command again.") from error
    if not outcomes:
        raise ProbeError(
            f"answered 204, but {job_id} is not in this database",
            "Run this command with the DATABASE_URL of the web process. If PUBLIC_URL leads to "
            "another deployment with the same keys, correct it, and delete the test job there.",
        )
    if outcomes != [Outcome.APPLIED]:
        raise ProbeError(
            f"stored as {outcomes[0]}",
            "Deploy the same code and settings to the web process as this command has.",
        )


def _outcomes(connection: Connection, job_id: str) -> list[str]:
    """Return the outcome of the job's newest event, with its reason, if there is an event."""
    events = find_events(connection, LedgerFilter(job=job_id), limit=1)

    return [f"{event.outcome} {event.reason or ''}".strip() for event in events]


def _check_readable(origin: str, reader: ApiKey, job_id: str) -> None:
    url = f"{origin}/v3/Transcriptions/{job_id}/Transcript?format=text"
    answer = call("GET", url, auth=(reader.name, reader.secret))
    if answer.status != HTTPStatus.OK:
        raise explain(
            answer,
            credential_remedy="Set the same API_KEYS for the web process and this command: the "
            f"web process does not know the key {reader.name}.",
        )
    if TEST_SENTENCE.encode() not in answer.body:
        raise ProbeError(
            "stored, but the response has no transcript text",
            "Check whether a cache in front of this service answers instead of it.",
        )


def _remove(engine: Engine, job_id: str) -> list[ProbeError]:
    """Remove the job; return an error, because raising it would hide an earlier error."""
    try:
        with query_errors():
            remove_job(engine, job_id)
    except QueryError as error:
        text = f"{job_id} was not removed, because the database failed ({error})"
        remedy = f"Delete the job {job_id} from the tables transcriptions and events."
        return [ProbeError(text, remedy)]

    return []
