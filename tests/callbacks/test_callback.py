"""The webhook, from the signed request to the stored job."""

import hashlib
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from werkzeug.test import create_environ, run_wsgi_app

from receiver.services import services_of
from receiver.store.tables import events
from tests.support import signing
from tests.support.app import Reader, Twilio
from tests.support.environment import PUBLIC_URL, TOKEN, changed_settings
from tests.support.paths import ROOT
from tests.support.store_events import ledger_rows

SAMPLES = ROOT / "tests" / "samples"
COMPLETED = (SAMPLES / "completed_flat.json").read_bytes()
FAILED = (SAMPLES / "failed_flat.json").read_bytes()
ENVELOPE = (SAMPLES / "fetch_envelope.json").read_bytes()
JOB = json.loads(COMPLETED)["id"]
ACCOUNT = json.loads(COMPLETED)["accountId"]

RUBBISH: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"hello", "undecodable"),
    "no bytes at all": (b"", "undecodable"),
    "not UTF-8": (b'{"id": "\xff"}', "undecodable"),
    "an array": (b"[]", "undecodable"),
    "an empty object": (b"{}", "invalid"),
    "nested 1000 deep": (b"[" * 1000 + b"]" * 1000, "undecodable"),
    "NaN": (COMPLETED.replace(b"22,", b"NaN,"), "undecodable"),
    "NUL in a name": (COMPLETED.replace(b"Jane", rb"\u0000"), "invalid"),
    "a lone surrogate": (COMPLETED.replace(b"Jane", rb"\ud800"), "invalid"),
    "a duration of 400 digits": (COMPLETED.replace(b"22,", b"4" * 400 + b","), "invalid"),
    "a duration of 5000 digits": (COMPLETED.replace(b"22,", b"4" * 5000 + b","), "undecodable"),
    "an infinite number": (COMPLETED.replace(b'"CUSTOMER"', b"1e999"), "invalid"),
    "an unknown status": (COMPLETED.replace(b'"completed"', b'"lost"'), "invalid"),
    "a missing id": (COMPLETED.replace(b'"id"', b'"di"'), "invalid"),
    "an id that is no id": (COMPLETED.replace(JOB.encode(), b"a/b"), "invalid"),
    "the year 0": (COMPLETED.replace(b"2026-04-02T19:26:02Z", b"0000-01-01T00:00:00Z"), "invalid"),
    "the year 99999": (COMPLETED.replace(b"2026-04-02T19:26", b"99999-04-02T19:26"), "invalid"),
    "sentences that are none": (
        COMPLETED.replace(b'"sentences": [', b'"sentences": [1,'),
        "invalid",
    ),
}


def _stored(app: Flask) -> list[Any]:
    with services_of(app).engine.connect() as connection:
        return list(connection.execute(select(events).order_by(events.c.id)).all())


@pytest.mark.parametrize(
    "sample", [COMPLETED, FAILED, ENVELOPE], ids=["flat", "failed", "envelope"]
)
def test_a_signed_sample_becomes_a_readable_job(
    app: Flask, twilio: Twilio, read: Reader, sample: bytes
) -> None:
    """It answers 204 without a body, the bytes are in the ledger, and the job can be fetched."""
    response = twilio.call(sample)
    assert (response.status_code, response.data) == (204, b"")
    [event] = _stored(app)
    assert (event.body, event.outcome, event.key_id) == (sample, "applied", "auth-token-1")
    assert read(f"/v3/Transcriptions/{event.job_id}").get_json()["operationId"] == event.job_id


def test_the_same_callback_again_is_counted(app: Flask, twilio: Twilio) -> None:
    """A duplicate answers 204 and raises `deliveries`."""
    for _ in range(3):
        assert twilio.call(COMPLETED).status_code == 204
    assert [event.deliveries for event in _stored(app)] == [3]


def test_one_changed_byte_is_refused(app: Flask, client: FlaskClient) -> None:
    """A body that isn't the signed one answers 403 and leaves nothing."""
    url, headers = signing.callback(f"{PUBLIC_URL}/callbacks/transcription", TOKEN, COMPLETED)
    forged = COMPLETED.replace(b"Jane", b"Joan")
    response = client.post(url.removeprefix(PUBLIC_URL), data=forged, headers=headers)
    assert response.status_code == 403
    assert response.content_type == "application/problem+json"
    assert _stored(app) == []


def test_a_wrong_token_is_refused(app: Flask, twilio: Twilio) -> None:
    """Somebody else's signature answers 403 and leaves nothing."""
    assert twilio.call(COMPLETED, secret="not-the-token").status_code == 403
    assert _stored(app) == []


def test_pending_after_completed_changes_nothing(twilio: Twilio, read: Reader) -> None:
    """What comes late takes nothing back."""
    twilio.call(COMPLETED)
    before = read(f"/v3/Transcriptions/{JOB}").json
    pending = json.loads(COMPLETED) | {"status": "pending", "sentences": []}
    assert twilio.call(json.dumps(pending).encode()).status_code == 204
    assert read(f"/v3/Transcriptions/{JOB}").json == before


@pytest.mark.parametrize("name", RUBBISH)
def test_signed_rubbish_is_kept(app: Flask, twilio: Twilio, name: str) -> None:
    """Whatever is validly signed answers 204, and is quarantined with its exact bytes."""
    body, reason = RUBBISH[name]
    assert twilio.call(body).status_code == 204
    [event] = _stored(app)
    assert (event.outcome, event.reason, event.body) == ("quarantined", reason, body)
    assert event.detail


@pytest.mark.parametrize("content_type", ["text/plain", signing.FORM, ""])
def test_the_bytes_tell_what_they_are(app: Flask, twilio: Twilio, content_type: str) -> None:
    """The header isn't signed: a proxy that changes it makes a callback nothing else."""
    assert twilio.call(COMPLETED, content_type=content_type).status_code == 204
    [event] = _stored(app)
    assert (event.outcome, event.content_type) == ("applied", content_type or None)


def test_a_signed_form_is_kept(app: Flask, client: FlaskClient) -> None:
    """Twilio's form callbacks verify too, though no transcript comes that way."""
    form = [("CallSid", "CA1"), ("Digits", "1")]
    url = f"{PUBLIC_URL}/callbacks/transcription"
    response = client.post(
        "/callbacks/transcription", data=dict(form), headers=signing.headers(url, TOKEN, form=form)
    )
    assert response.status_code == 204
    [event] = _stored(app)
    assert (event.outcome, event.reason) == ("quarantined", "unexpected_content_type")


def test_unknown_members_are_kept(app: Flask, twilio: Twilio, read: Reader) -> None:
    """A member that nobody foresaw is no reason to refuse, and comes back with the body."""
    body = json.dumps({**json.loads(COMPLETED), "summary": {"new": True}}).encode()
    twilio.call(body)
    [event] = _stored(app)
    assert event.outcome == "applied"
    assert read(f"/v3/Transcriptions/{JOB}/Callbacks/{event.id}/Body").data == body


def test_a_trailing_slash_is_the_same_route(twilio: Twilio) -> None:
    """A redirect, or a 404, would be the end of the callback."""
    assert twilio.call(COMPLETED, path="/callbacks/transcription/").status_code == 204


def test_the_log_leads_to_what_was_quarantined(
    twilio: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    """It warns with the ledger's number, reason and detail, also where the store was the judge."""
    twilio.call(COMPLETED)
    twilio.call(COMPLETED.replace(ACCOUNT.encode(), b"AC" + b"b" * 32))
    warning = caplog.records[-1]
    assert warning.levelname == "WARNING"
    assert warning.__dict__["reason"] == "foreign_account"
    assert warning.__dict__["detail"]
    assert warning.__dict__["callback"] > 0


def test_the_log_says_what_a_refusal_was_about(
    twilio: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator reads the URL that was verified, without its query, and with which keys."""
    twilio.call(COMPLETED, secret="not-the-token")
    warning = caplog.records[-1]
    assert warning.getMessage() == "callback rejected: wrong_signature"
    assert warning.__dict__["url"] == f"{PUBLIC_URL}/callbacks/transcription"
    assert warning.__dict__["keys"] == ["auth-token-1"]


@pytest.mark.parametrize("host", ["[:::]", "[::1", "a@b", "evil.example/path?x=", "a b"])
def test_no_host_is_more_than_a_refusal(app: Flask, host: str) -> None:
    """Whatever an unsigned request claims to have called, it is refused and makes no error."""
    environ = create_environ(
        "/callbacks/transcription", method="POST", content_type=signing.FORM, data={"a": "b"}
    )
    environ |= {"HTTP_HOST": host, "HTTP_X_TWILIO_SIGNATURE": "x"}
    # Werkzeug's own client would stumble over such a host.
    with changed_settings(app, public_url=None):
        _body, status, _headers = run_wsgi_app(app, environ)
    assert status.startswith("403 ")


def test_no_log_holds_what_was_said(twilio: Twilio, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a sentence nor a name nor a secret is in any line, whatever became of the body."""
    caplog.set_level("DEBUG")
    for body in (COMPLETED, COMPLETED[:-1], COMPLETED.replace(b'"completed"', b'"order"')):
        twilio.call(body)
    twilio.call(COMPLETED, secret="not-the-token")
    lines = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert len(lines) >= 4
    assert not [line for line in lines for word in ("order", "Jane", TOKEN) if word in line]


class TestBoundToken:
    """A token bound to an account speaks for that account alone."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Bind the token."""
        return environ | {"TWILIO_AUTH_TOKEN": f"{ACCOUNT}={TOKEN}"}

    def test_its_own_account_is_applied(self, app: Flask, twilio: Twilio) -> None:
        """The account's own callback is applied, under the account's name."""
        twilio.call(COMPLETED)
        [event] = _stored(app)
        assert (event.outcome, event.key_id) == ("applied", ACCOUNT)

    def test_another_account_is_quarantined(self, app: Flask, twilio: Twilio) -> None:
        """Another's is kept, and the reason says so."""
        body = COMPLETED.replace(ACCOUNT.encode(), b"AC" + b"b" * 32)
        assert twilio.call(body).status_code == 204
        [event] = _stored(app)
        assert (event.outcome, event.reason) == ("quarantined", "account_mismatch")
        assert event.job_id == JOB


class TestSharedKey:
    """A SharedKey signs with HMAC_SHA256, and the settings header names it."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Configure two of them, as during a rotation."""
        return environ | {"TWILIO_SIGNING_KEYS": "old=secret=1,new=secret=2"}

    def test_the_named_key_verifies(self, app: Flask, twilio: Twilio) -> None:
        """Its id is stored with what it signed."""
        assert twilio.call(COMPLETED, secret="secret=2", key_id="new").status_code == 204
        assert twilio.call(FAILED, secret="secret=2", key_id="old").status_code == 403
        assert [event.key_id for event in _stored(app)] == ["new"]


class TestSmallBodies:
    """MAX_BODY_BYTES caps what is read."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Cap at the size of the failed sample."""
        return environ | {"MAX_BODY_BYTES": str(len(FAILED))}

    def test_the_cap_is_inclusive(self, app: Flask, twilio: Twilio) -> None:
        """A body of exactly that size is taken, a larger one answers 413."""
        assert twilio.call(FAILED).status_code == 204
        assert twilio.call(COMPLETED).status_code == 413
        assert len(_stored(app)) == 1


@pytest.mark.parametrize("prefix", ["/a", "/a/b", f"/{'a' * 32}"])
def test_a_prefix_that_was_passed_on(app: Flask, twilio: Twilio, prefix: str) -> None:
    """A proxy that doesn't strip its path prefix costs no callback."""
    assert twilio.call(COMPLETED, path=f"{prefix}/callbacks/transcription").status_code == 204
    assert [event.outcome for event in _stored(app)] == ["applied"]


def test_a_forms_signature_carries_nothing_else(app: Flask, client: FlaskClient) -> None:
    """An SMS may be made of what, behind its webhook's URL, reads as the URL of a callback."""
    digest = hashlib.sha256(COMPLETED).hexdigest()
    text = f"/callbacks/transcription?bodySHA256={digest}&x="
    form = [("AccountSid", "AC" + "a" * 32), ("Body", text), ("From", "+15550001111")]
    signature = signing.sign(f"{PUBLIC_URL}/sms", TOKEN, form=form)
    target = "/sms" + "".join(name + value for name, value in form)
    response = client.post(
        target,
        data=COMPLETED,
        headers={"Content-Type": "application/json", "X-Twilio-Signature": signature},
    )
    assert response.status_code == 404
    assert _stored(app) == []


@pytest.mark.parametrize("rest", [".evil.example", "@evil.example", ":8443"])
def test_a_callback_of_another_host_is_refused(app: Flask, engine: Engine, rest: str) -> None:
    """A URL that the account signed for another host isn't taken for ours by a crafted target."""
    path = "/callbacks/transcription"
    url, headers = signing.callback(f"{PUBLIC_URL}{rest}{path}", TOKEN, COMPLETED)
    response = app.test_client().post(
        path,
        data=COMPLETED,
        headers=headers,
        environ_overrides={"RAW_URI": url.removeprefix(PUBLIC_URL)},
    )
    assert response.status_code == 403
    assert ledger_rows(engine) == []
