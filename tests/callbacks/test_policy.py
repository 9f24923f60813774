"""Tests of the response policy, row by row: what happens to a callback, and its answer."""

from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from receiver.bodies.reader import PROVED_BYTES
from receiver.callbacks.policy import POLICY, CallbackResult
from receiver.runtime.deadline import Deadline
from receiver.services import install, services_of
from receiver.spool.folder import SpooledFile
from receiver.store.event import Event
from receiver.store.ledger.group_commit import GroupCommitter
from receiver.store.ledger.recorded import Recorded
from tests.support import signing
from tests.support.app import Twilio
from tests.support.environment import PUBLIC_URL, ROUTE, TOKEN
from tests.support.server import free_port
from tests.support.store_events import ledger_rows

BODY = b'{"id": "job_1", "accountId": "AC1", "status": "completed", "sentences": []}'
NOT_JSON = b"\x00\xffnot JSON"


def _asks_for_retry(response: TestResponse) -> bool:
    return response.status_code == 503 and int(response.headers["Retry-After"]) > 0


def _spooled_files(app: Flask) -> list[SpooledFile]:
    spool = services_of(app).spool
    assert spool is not None

    return spool.list_files()


def test_every_result_has_an_answer() -> None:
    """Every result has an answer; only a wrong signature and a too large body are final."""
    assert POLICY.keys() == set(CallbackResult)
    final = {result for result, answer in POLICY.items() if 400 <= answer.status < 500}
    assert final == {CallbackResult.SIGNATURE_WRONG, CallbackResult.TOO_LARGE}


def test_recorded_callback_is_answered_204(twilio: Twilio, engine: Engine) -> None:
    """A recorded callback is answered 204 without a body."""
    response = twilio.call(BODY)
    assert (response.status_code, response.data) == (204, b"")
    assert ledger_rows(engine) == [("applied", None, 1)]


class TestAnotherAccountsKey:
    """Tests with a second key, which is bound to another account."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Return the environment with the second key."""
        return environ | {"TWILIO_AUTH_TOKEN": f"{TOKEN},AC{'0' * 32}=another"}

    def test_redelivery_is_validated_again(self, twilio: Twilio, engine: Engine) -> None:
        """A redelivery is answered 204 and validated again."""
        assert twilio.call(BODY, secret="another").status_code == 204
        assert ledger_rows(engine) == [("quarantined", "account_mismatch", 1)]
        assert twilio.call(BODY).status_code == 204
        assert ledger_rows(engine) == [("applied", None, 2)]


def test_quarantined_callback_is_answered_204(twilio: Twilio, engine: Engine) -> None:
    """A quarantined callback is answered 204, because Twilio can't correct it."""
    response = twilio.call(NOT_JSON)
    assert (response.status_code, response.data) == (204, b"")
    assert ledger_rows(engine) == [("quarantined", "undecodable", 1)]


class TestDatabaseUnavailable:
    """Tests with a DATABASE_URL that points to a closed port."""

    @pytest.fixture
    def request_seconds(self) -> float:
        """Return a short time limit for requests."""
        return 3.0

    @pytest.fixture
    def durable(self) -> str | None:
        """Return the value of SPOOL_DURABLE, or None for no spool."""
        return None

    @pytest.fixture
    def environ(
        self, environ: dict[str, str], durable: str | None, tmp_path: Path
    ) -> dict[str, str]:
        """Return the environment with the closed port and the spool."""
        spool = {} if durable is None else {"SPOOL_DIR": f"{tmp_path}/s", "SPOOL_DURABLE": durable}

        return environ | spool | {"DATABASE_URL": f"postgresql://u@127.0.0.1:{free_port()}/none"}

    @pytest.mark.parametrize("durable", ["1"])
    def test_callback_in_durable_spool_is_answered_204(self, app: Flask, twilio: Twilio) -> None:
        """A callback in a durable spool is answered 204, whether its body is usable or not."""
        assert [twilio.call(body).status_code for body in (BODY, NOT_JSON, BODY)] == [204] * 3
        assert len(_spooled_files(app)) == 2

    @pytest.mark.parametrize("durable", ["0"])
    def test_callback_in_ephemeral_spool_is_answered_503(self, app: Flask, twilio: Twilio) -> None:
        """A callback in a spool that isn't durable is answered 503, although it is stored there."""
        assert _asks_for_retry(twilio.call(BODY))
        assert len(_spooled_files(app)) == 1

    def test_callback_without_spool_is_answered_503(self, twilio: Twilio) -> None:
        """A callback is answered 503 when there is neither a database nor a spool."""
        assert _asks_for_retry(twilio.call(BODY))

    @pytest.mark.parametrize("durable", ["1"])
    def test_failing_spool_is_answered_503(self, twilio: Twilio, tmp_path: Path) -> None:
        """A callback is answered 503 when the database and the durable spool both fail."""
        (tmp_path / "s").write_text("a file instead of a folder")
        assert _asks_for_retry(twilio.call(BODY))

    @pytest.mark.parametrize("durable", ["1"])
    def test_unsafe_spool_is_answered_503(self, twilio: Twilio, tmp_path: Path) -> None:
        """A folder that other users may write to is used no more than a failing one."""
        folder = tmp_path / "s"
        folder.mkdir()
        folder.chmod(0o777)
        assert _asks_for_retry(twilio.call(BODY))
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("request_seconds", [0.2])
def test_full_memory_budget_is_answered_503(app: Flask, twilio: Twilio) -> None:
    """A callback is answered 503 when the worker's memory budget is full until the deadline."""
    parts = services_of(app)
    with ExitStack() as bodies:
        for _ in range(PROVED_BYTES // parts.settings.max_body_bytes):
            chunked = {"wsgi.input": BytesIO(b"{}")}
            bodies.enter_context(parts.body_reader.read(chunked, Deadline(1), is_proved=True))
        assert _asks_for_retry(twilio.call(BODY))


def test_incomplete_body_is_answered_503(app: Flask, engine: Engine) -> None:
    """An incomplete body is answered 503, and nothing is stored."""
    url, headers = signing.callback(f"{PUBLIC_URL}{ROUTE}", TOKEN, BODY)
    response = app.test_client().post(
        url.removeprefix(PUBLIC_URL),
        headers=headers,
        environ_overrides={"wsgi.input": BytesIO(BODY[:-1]), "CONTENT_LENGTH": str(len(BODY))},
    )
    assert _asks_for_retry(response)
    assert ledger_rows(engine) == []


def test_internal_error_is_answered_503(app: Flask, twilio: Twilio) -> None:
    """An unexpected error of our own is answered 503."""

    class Broken(GroupCommitter):
        def record(self, event: Event) -> Recorded:
            raise KeyError(event)

    parts = services_of(app)
    install(app, replace(parts, committer=Broken(parts.engine, max_leaders=1)))
    assert _asks_for_retry(twilio.call(BODY))


def test_wrong_signature_is_answered_403(twilio: Twilio, engine: Engine) -> None:
    """A callback with a wrong signature is answered 403, and nothing is stored."""
    assert twilio.call(BODY, secret="another").status_code == 403
    assert ledger_rows(engine) == []


def test_too_large_body_is_answered_413(twilio: Twilio, app: Flask, engine: Engine) -> None:
    """A body larger than MAX_BODY_BYTES is answered 413, and nothing is stored."""
    limit = services_of(app).settings.max_body_bytes
    assert twilio.call(b"x" * (limit + 1)).status_code == 413
    assert ledger_rows(engine) == []
