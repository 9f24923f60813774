"""Tests of the webhook, from the signed request to the stored job."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support import signing
from tests.support.app import Reader, Twilio
from tests.support.environment import PUBLIC_URL, ROUTE, TOKEN
from tests.support.samples import ACCOUNT, COMPLETED, ENVELOPE, FAILED, JOB
from tests.support.stored_callbacks import stored_events

UNUSABLE_BODIES: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"hello", "undecodable"),
    "empty": (b"", "undecodable"),
    "not UTF-8": (b'{"id": "\xff"}', "undecodable"),
    "an array": (b"[]", "undecodable"),
    "an empty object": (b"{}", "invalid"),
    "nested 1000 deep": (b"[" * 1000 + b"]" * 1000, "undecodable"),
    "NaN": (COMPLETED.replace(b"22,", b"NaN,"), "undecodable"),
    "an unknown status": (COMPLETED.replace(b'"completed"', b'"lost"'), "invalid"),
    "a missing id": (COMPLETED.replace(b'"id"', b'"di"'), "invalid"),
    "an id with a slash": (COMPLETED.replace(JOB.encode(), b"a/b"), "invalid"),
}


@pytest.mark.parametrize(
    "sample", [COMPLETED, FAILED, ENVELOPE], ids=["flat", "failed", "envelope"]
)
def test_signed_sample_becomes_readable_job(
    app: Flask, twilio: Twilio, read: Reader, sample: bytes
) -> None:
    """A signed sample is answered 204, stored byte for byte, and readable as a job."""
    response = twilio.call(sample)
    assert (response.status_code, response.data) == (204, b"")
    [event] = stored_events(app)
    assert (event.body, event.outcome, event.key_id) == (sample, "applied", "auth-token-1")
    assert read(f"/v3/Transcriptions/{event.job_id}").get_json()["operationId"] == event.job_id


def test_duplicate_increments_deliveries(app: Flask, twilio: Twilio) -> None:
    """A duplicate is answered 204 and increments `deliveries`."""
    for _ in range(3):
        assert twilio.call(COMPLETED).status_code == 204
    assert [event.deliveries for event in stored_events(app)] == [3]


def test_late_pending_does_not_change_completed_job(twilio: Twilio, read: Reader) -> None:
    """A callback that arrives late doesn't change a completed job."""
    twilio.call(COMPLETED)
    before = read(f"/v3/Transcriptions/{JOB}").json
    pending = json.loads(COMPLETED) | {"status": "pending", "sentences": []}
    assert twilio.call(json.dumps(pending).encode()).status_code == 204
    assert read(f"/v3/Transcriptions/{JOB}").json == before


@pytest.mark.parametrize("name", UNUSABLE_BODIES)
def test_signed_unusable_body_is_quarantined(app: Flask, twilio: Twilio, name: str) -> None:
    """A signed body that can't be used is answered 204 and quarantined byte for byte."""
    body, reason = UNUSABLE_BODIES[name]
    assert twilio.call(body).status_code == 204
    [event] = stored_events(app)
    assert (event.outcome, event.reason, event.body) == ("quarantined", reason, body)
    assert event.detail


@pytest.mark.parametrize("content_type", ["text/plain", signing.FORM, ""])
def test_content_type_is_ignored(app: Flask, twilio: Twilio, content_type: str) -> None:
    """The unsigned Content-Type header doesn't change how a JSON callback is processed."""
    assert twilio.call(COMPLETED, content_type=content_type).status_code == 204
    [event] = stored_events(app)
    assert (event.outcome, event.content_type) == ("applied", content_type or None)


def test_signed_form_is_quarantined(app: Flask, client: FlaskClient) -> None:
    """A signed form is stored and quarantined, because no transcript arrives as a form."""
    form = [("CallSid", "CA1"), ("Digits", "1")]
    url = f"{PUBLIC_URL}{ROUTE}"
    response = client.post(
        "/callbacks/transcription", data=dict(form), headers=signing.headers(url, TOKEN, form=form)
    )
    assert response.status_code == 204
    [event] = stored_events(app)
    assert (event.outcome, event.reason) == ("quarantined", "unexpected_content_type")


def test_unknown_members_arestored_events(app: Flask, twilio: Twilio, read: Reader) -> None:
    """A callback with an unknown member is applied, and its body is returned unchanged."""
    body = json.dumps({**json.loads(COMPLETED), "summary": {"new": True}}).encode()
    twilio.call(body)
    [event] = stored_events(app)
    assert event.outcome == "applied"
    assert read(f"/v3/Transcriptions/{JOB}/Callbacks/{event.id}/Body").data == body


def test_trailing_slash_is_accepted(twilio: Twilio) -> None:
    """A trailing slash is accepted: a redirect or a 404 would lose the callback."""
    assert twilio.call(COMPLETED, path="/callbacks/transcription/").status_code == 204


def test_quarantine_is_logged(twilio: Twilio, caplog: pytest.LogCaptureFixture) -> None:
    """A quarantined callback is logged as a warning with its ledger id, reason and detail."""
    twilio.call(COMPLETED)
    twilio.call(COMPLETED.replace(ACCOUNT.encode(), b"AC" + b"b" * 32))
    warning = caplog.records[-1]
    assert warning.levelname == "WARNING"
    assert warning.__dict__["reason"] == "foreign_account"
    assert warning.__dict__["detail"]
    assert warning.__dict__["callback"] > 0


def test_log_contains_no_content(twilio: Twilio, caplog: pytest.LogCaptureFixture) -> None:
    """No log line contains a sentence, a name or a secret, whatever the result of the callback."""
    caplog.set_level("DEBUG")
    for body in (COMPLETED, COMPLETED[:-1], COMPLETED.replace(b'"completed"', b'"order"')):
        twilio.call(body)
    twilio.call(COMPLETED, secret="not-the-token")
    lines = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert len(lines) >= 4
    assert not [line for line in lines for word in ("order", "Jane", TOKEN) if word in line]


class TestSmallBodies:
    """Tests with a small MAX_BODY_BYTES."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Return the environment with a limit of the failed sample's size."""
        return environ | {"MAX_BODY_BYTES": str(len(FAILED))}

    def test_body_limit_is_inclusive(self, app: Flask, twilio: Twilio) -> None:
        """A body of exactly the limit's size is accepted, and a larger one is answered 413."""
        assert twilio.call(FAILED).status_code == 204
        assert twilio.call(COMPLETED).status_code == 413
        assert len(stored_events(app)) == 1
