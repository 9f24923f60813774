"""Tests of the webhook's signature check: keys, accounts and the called URL."""

import hashlib
import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import create_environ, run_wsgi_app

from receiver.services import services_of
from receiver.store.jobs import read
from tests.support import signing
from tests.support.app import Twilio
from tests.support.environment import PUBLIC_URL, ROUTE, TOKEN, changed_settings
from tests.support.samples import ACCOUNT, COMPLETED, FAILED, JOB, OTHER_ACCOUNT
from tests.support.store_events import ledger_rows
from tests.support.stored_callbacks import stored_events


def test_changed_body_is_rejected(app: Flask, client: FlaskClient) -> None:
    """A body that differs from the signed one is answered 403, and nothing is stored."""
    url, headers = signing.callback(f"{PUBLIC_URL}{ROUTE}", TOKEN, COMPLETED)
    forged = COMPLETED.replace(b"Jane", b"Joan")
    response = client.post(url.removeprefix(PUBLIC_URL), data=forged, headers=headers)
    assert response.status_code == 403
    assert response.content_type == "application/problem+json"
    assert stored_events(app) == []


def test_wrong_token_is_rejected(app: Flask, twilio: Twilio) -> None:
    """A signature made with another token is answered 403, and nothing is stored."""
    assert twilio.call(COMPLETED, secret="not-the-token").status_code == 403
    assert stored_events(app) == []


def test_rejection_is_logged(twilio: Twilio, caplog: pytest.LogCaptureFixture) -> None:
    """A rejected callback is logged with the verified URL, without its query, and the keys."""
    twilio.call(COMPLETED, secret="not-the-token")
    warning = caplog.records[-1]
    assert warning.getMessage() == "callback rejected: wrong_signature"
    assert warning.__dict__["url"] == f"{PUBLIC_URL}{ROUTE}"
    assert warning.__dict__["keys"] == ["auth-token-1"]


@pytest.mark.parametrize("host", ["[:::]", "[::1", "a@b", "evil.example/path?x=", "a b"])
def test_invalid_host_is_rejected(app: Flask, host: str) -> None:
    """An unsigned request with an invalid Host header is rejected and causes no error."""
    environ = create_environ(
        "/callbacks/transcription", method="POST", content_type=signing.FORM, data={"a": "b"}
    )
    environ |= {"HTTP_HOST": host, "HTTP_X_TWILIO_SIGNATURE": "x"}
    # Werkzeug's own test client raises an error for such a host.
    with changed_settings(app, public_url=None):
        _body, status, _headers = run_wsgi_app(app, environ)
    assert status.startswith("403 ")


class TestBoundToken:
    """Tests with a token that is bound to one account."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Return the environment with the token bound to the account."""
        return environ | {"TWILIO_AUTH_TOKEN": f"{ACCOUNT}={TOKEN}"}

    def test_callback_of_bound_account_is_applied(self, app: Flask, twilio: Twilio) -> None:
        """A callback of the bound account is applied, and the account's SID is its key id."""
        twilio.call(COMPLETED)
        [event] = stored_events(app)
        assert (event.outcome, event.key_id) == ("applied", ACCOUNT)

    def test_callback_of_another_account_is_quarantined(self, app: Flask, twilio: Twilio) -> None:
        """A callback of another account is quarantined as an account mismatch."""
        body = COMPLETED.replace(ACCOUNT.encode(), OTHER_ACCOUNT.encode())
        assert twilio.call(body).status_code == 204
        [event] = stored_events(app)
        assert (event.outcome, event.reason) == ("quarantined", "account_mismatch")
        assert event.job_id == JOB


class TestSharedKey:
    """Tests with SharedKeys, which sign with HMAC_SHA256 and are named by the settings header."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Return the environment with two SharedKeys, as during a rotation."""
        return environ | {"TWILIO_SIGNING_KEYS": "old=secret=1,new=secret=2"}

    def test_only_the_named_key_verifies(self, app: Flask, twilio: Twilio) -> None:
        """Only the SharedKey that the header names verifies, and its id is stored."""
        assert twilio.call(COMPLETED, secret="secret=2", key_id="new").status_code == 204
        assert twilio.call(FAILED, secret="secret=2", key_id="old").status_code == 403
        assert [event.key_id for event in stored_events(app)] == ["new"]


class TestPrefixes:
    """Tests with path prefixes that the proxy passes on."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Name two prefixes."""
        return environ | {"PUBLIC_URL_PREFIXES": f"/a/b, /{'a' * 32}"}

    @pytest.mark.parametrize("prefix", ["", "/a/b", f"/{'a' * 32}"])
    def test_named_prefix_is_accepted(self, app: Flask, twilio: Twilio, prefix: str) -> None:
        """A callback is accepted below a prefix that PUBLIC_URL_PREFIXES names, and without one."""
        assert twilio.call(COMPLETED, path=f"{prefix}/callbacks/transcription").status_code == 204
        assert [event.outcome for event in stored_events(app)] == ["applied"]

    @pytest.mark.parametrize("prefix", ["/a", "/b", "/a/b/c", "/A/b", "/a//b", "/a%2Fb"])
    def test_other_prefix_is_rejected(self, app: Flask, twilio: Twilio, prefix: str) -> None:
        """A callback below any other prefix is rejected, also below a part of a named one."""
        path = f"{prefix}/callbacks/transcription"
        assert twilio.call(COMPLETED, path=path).status_code in {403, 404}
        assert stored_events(app) == []


@pytest.mark.parametrize("prefix", ["/other", "/a/b", "/a/b/c"])
def test_unnamed_prefix_is_rejected_and_stored(
    app: Flask, twilio: Twilio, caplog: pytest.LogCaptureFixture, prefix: str
) -> None:
    """What was signed for another application is answered 403; the log names the setting."""
    path = f"{prefix}/callbacks/transcription"
    assert twilio.call(COMPLETED, path=path).status_code == 403
    assert stored_events(app) == []
    warning = caplog.records[-1]
    assert warning.getMessage().startswith("callback rejected: unknown_prefix")
    assert "PUBLIC_URL_PREFIXES" in warning.getMessage()
    assert warning.__dict__["rejected"] > 0
    assert warning.__dict__["url"] == f"{PUBLIC_URL}{path}"


@pytest.mark.parametrize(
    "path",
    [
        "/callbacks/%74ranscription",
        "/callbacks%2Ftranscription",
        "/x/../callbacks/transcription",
        "/./callbacks/transcription",
        "/x;y/callbacks/transcription",
        f"/{'a' * 33}/callbacks/transcription",
    ],
)
def test_other_spelling_of_the_path_is_rejected(app: Flask, twilio: Twilio, path: str) -> None:
    """A path that only decodes or normalizes to the route's is answered 403."""
    assert twilio.call(COMPLETED, path=path).status_code == 403
    assert stored_events(app) == []


@pytest.mark.parametrize(
    "path",
    ["/callbacks/transcription;x", "/callbacks/transcription//", "/callbacks//transcription"],
)
def test_other_path_is_not_found(app: Flask, twilio: Twilio, path: str) -> None:
    """A path that isn't the route's is answered 404."""
    assert twilio.call(COMPLETED, path=path).status_code == 404
    assert stored_events(app) == []


@pytest.mark.parametrize(("named", "status"), [((), 403), (("/",), 204)])
def test_two_slashes_are_a_prefix(
    app: Flask, client: FlaskClient, named: tuple[str, ...], status: int
) -> None:
    """A path that begins with two slashes is accepted only if `/` is named as a prefix.

    It may have been signed for a form of the site's root, with a field named like the route.
    """
    url, headers = signing.callback(f"{PUBLIC_URL}/{ROUTE}", TOKEN, COMPLETED)
    target = url.removeprefix(PUBLIC_URL)
    # Werkzeug's client would take `//callbacks` for a host.
    raw = {"RAW_URI": target, "PATH_INFO": f"/{ROUTE}"}
    with changed_settings(app, public_url_prefixes=named):
        response = client.post("/", data=COMPLETED, headers=headers, environ_overrides=raw)
    assert response.status_code == status
    assert len(stored_events(app)) == (status == 204)


class TestPublicPath:
    """Tests with a PUBLIC_URL that has a path."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Set such a PUBLIC_URL; its path resembles the route."""
        return environ | {"PUBLIC_URL": f"{PUBLIC_URL}/callbacks"}

    @pytest.mark.parametrize("received", ["/callbacks/transcription", f"/callbacks{ROUTE}"])
    def test_path_is_accepted_with_and_without(
        self, app: Flask, client: FlaskClient, received: str
    ) -> None:
        """A callback is accepted whether the proxy strips PUBLIC_URL's path or passes it on."""
        url, headers = signing.callback(f"{PUBLIC_URL}/callbacks{ROUTE}", TOKEN, COMPLETED)
        target = f"{received}?{url.partition('?')[2]}"
        assert client.post(target, data=COMPLETED, headers=headers).status_code == 204
        [event] = stored_events(app)
        assert (event.outcome, event.url) == ("applied", url)

    def test_url_without_the_path_is_rejected(self, app: Flask, client: FlaskClient) -> None:
        """What was signed for the same host without the path is answered 403."""
        url, headers = signing.callback(f"{PUBLIC_URL}{ROUTE}", TOKEN, COMPLETED)
        target = url.removeprefix(PUBLIC_URL)
        assert client.post(target, data=COMPLETED, headers=headers).status_code == 403
        assert stored_events(app) == []


def test_form_with_a_field_named_like_the_route_is_rejected(
    app: Flask, client: FlaskClient
) -> None:
    """The signature of another route's form, with a field named like this route, is rejected."""
    digest = hashlib.sha256(COMPLETED).hexdigest()
    form = [(f"/callbacks/transcription?bodySHA256={digest}&", "1"), ("AccountSid", ACCOUNT)]
    signature = signing.sign(f"{PUBLIC_URL}/sms", TOKEN, form=form)
    target = "/sms" + "".join(name + value for name, value in form)
    response = client.post(
        target,
        data=COMPLETED,
        headers={"Content-Type": "application/json", "X-Twilio-Signature": signature},
    )
    assert response.status_code == 403
    assert stored_events(app) == []


class TestBoundSharedKeys:
    """Tests with two accounts, each with a SharedKey that is bound to it."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Return the environment with a bound SharedKey for each account, and no token."""
        keys = f"one@{ACCOUNT}=secret-1,two@{OTHER_ACCOUNT}=secret-2"

        return environ | {"TWILIO_AUTH_TOKEN": "", "TWILIO_SIGNING_KEYS": keys}

    def test_key_signs_for_its_own_account(self, app: Flask, twilio: Twilio) -> None:
        """A callback of the key's own account is applied, and the key's account is stored."""
        assert twilio.call(COMPLETED, secret="secret-1", key_id="one").status_code == 204
        [event] = stored_events(app)
        assert (event.outcome, event.key_id) == ("applied", f"one@{ACCOUNT}")

    def test_key_does_not_replace_another_accounts_transcript(
        self, app: Flask, twilio: Twilio
    ) -> None:
        """A newer callback for another account's job is quarantined, and the job stays as it is."""
        twilio.call(COMPLETED, secret="secret-1", key_id="one")
        with services_of(app).engine.connect() as connection:
            before = read.transcription(connection, JOB)
            forged = json.dumps(json.loads(COMPLETED) | {"updatedAt": "2030-01-01T00:00:00Z"})
            assert twilio.call(forged.encode(), secret="secret-2", key_id="two").status_code == 204
            assert read.transcription(connection, JOB) == before
        assert [(event.outcome, event.reason) for event in stored_events(app)] == [
            ("applied", None),
            ("quarantined", "account_mismatch"),
        ]


def test_form_signature_does_not_verify_callback(app: Flask, client: FlaskClient) -> None:
    """The signature of an SMS webhook whose text imitates a callback's URL is not accepted."""
    digest = hashlib.sha256(COMPLETED).hexdigest()
    text = f"/callbacks/transcription?bodySHA256={digest}&x="
    form = [("AccountSid", ACCOUNT), ("Body", text), ("From", "+15550001111")]
    signature = signing.sign(f"{PUBLIC_URL}/sms", TOKEN, form=form)
    target = "/sms" + "".join(name + value for name, value in form)
    response = client.post(
        target,
        data=COMPLETED,
        headers={"Content-Type": "application/json", "X-Twilio-Signature": signature},
    )
    assert response.status_code == 403
    assert stored_events(app) == []


@pytest.mark.parametrize("rest", [".evil.example", "@evil.example", ":8443"])
def test_callback_to_another_host_is_rejected(app: Flask, engine: Engine, rest: str) -> None:
    """A URL that the account signed for another host is rejected, also with a crafted target."""
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
