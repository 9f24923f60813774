"""The response policy, row by row: what happens to a callback, and how Twilio is answered."""

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
from receiver.store.ledger.record import Recorded
from tests.support import signing
from tests.support.app import Twilio
from tests.support.environment import PUBLIC_URL, TOKEN
from tests.support.server import free_port
from tests.support.store_events import ledger_rows

BODY = b'{"id": "job_1", "accountId": "AC1", "status": "completed", "sentences": []}'
RUBBISH = b"\x00\xffnot JSON"


def _is_to_try_again(response: TestResponse) -> bool:
    return response.status_code == 503 and int(response.headers["Retry-After"]) > 0


def _waiting(app: Flask) -> list[SpooledFile]:
    spool = services_of(app).spool
    assert spool is not None

    return spool.list_files()


def test_every_fate_has_its_answer() -> None:
    """Only what isn't shown to be Twilio's, or can never be taken, is answered 4xx."""
    assert POLICY.keys() == set(CallbackResult)
    final = {fate for fate, answer in POLICY.items() if 400 <= answer.status < 500}
    assert final == {CallbackResult.SIGNATURE_WRONG, CallbackResult.TOO_LARGE}


def test_recorded(twilio: Twilio, engine: Engine) -> None:
    """A callback is answered 204, with no body, once it is in the ledger."""
    response = twilio.call(BODY)
    assert (response.status_code, response.data) == (204, b"")
    assert ledger_rows(engine) == [("applied", None, 1)]


class TestAgain:
    """Another account's key is among those that may sign."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Add it."""
        return environ | {"TWILIO_AUTH_TOKEN": f"{TOKEN},AC{'0' * 32}=another"}

    def test_recorded_again(self, twilio: Twilio, engine: Engine) -> None:
        """A redelivery is answered 204, and judged anew."""
        assert twilio.call(BODY, secret="another").status_code == 204
        assert ledger_rows(engine) == [("quarantined", "account_mismatch", 1)]
        assert twilio.call(BODY).status_code == 204
        assert ledger_rows(engine) == [("applied", None, 2)]


def test_quarantined(twilio: Twilio, engine: Engine) -> None:
    """What is signed and can't be used is answered 204: Twilio can't mend it."""
    response = twilio.call(RUBBISH)
    assert (response.status_code, response.data) == (204, b"")
    assert ledger_rows(engine) == [("quarantined", "undecodable", 1)]


class TestDatabaseAway:
    """Nobody listens where DATABASE_URL points."""

    @pytest.fixture
    def request_seconds(self) -> float:
        """Give up soon."""
        return 3.0

    @pytest.fixture
    def durable(self) -> str | None:
        """Say whether there is a spool, and whether it is durable; None: there is none."""
        return None

    @pytest.fixture
    def environ(
        self, environ: dict[str, str], durable: str | None, tmp_path: Path
    ) -> dict[str, str]:
        """Point it at a closed port."""
        spool = {} if durable is None else {"SPOOL_DIR": f"{tmp_path}/s", "SPOOL_DURABLE": durable}

        return environ | spool | {"DATABASE_URL": f"postgresql://u@127.0.0.1:{free_port()}/none"}

    @pytest.mark.parametrize("durable", ["1"])
    def test_spooled(self, app: Flask, twilio: Twilio) -> None:
        """A durable spool took it: 204, whether it can be used or not."""
        assert [twilio.call(body).status_code for body in (BODY, RUBBISH, BODY)] == [204] * 3
        assert len(_waiting(app)) == 2

    @pytest.mark.parametrize("durable", ["0"])
    def test_spooled_meanwhile(self, app: Flask, twilio: Twilio) -> None:
        """The spool may go with the machine: Twilio tries again, though the bytes are kept."""
        assert _is_to_try_again(twilio.call(BODY))
        assert len(_waiting(app)) == 1

    def test_away(self, twilio: Twilio) -> None:
        """Nothing took it: Twilio tries again."""
        assert _is_to_try_again(twilio.call(BODY))

    @pytest.mark.parametrize("durable", ["1"])
    def test_the_spool_fails_too(self, twilio: Twilio, tmp_path: Path) -> None:
        """Neither place took it: Twilio tries again, durable or not."""
        (tmp_path / "s").write_text("a file, where a folder is meant to be")
        assert _is_to_try_again(twilio.call(BODY))


@pytest.mark.parametrize("request_seconds", [0.2])
def test_too_much_in_flight(app: Flask, twilio: Twilio) -> None:
    """The worker's memory is taken until the deadline: Twilio tries again."""
    parts = services_of(app)
    with ExitStack() as others:
        for _ in range(PROVED_BYTES // parts.settings.max_body_bytes):
            chunked = {"wsgi.input": BytesIO(b"{}")}
            others.enter_context(parts.body_reader.read(chunked, Deadline(1), is_proved=True))
        assert _is_to_try_again(twilio.call(BODY))


def test_cut_short(app: Flask, engine: Engine) -> None:
    """Less came than was promised: Twilio tries again, and nothing is stored."""
    url, headers = signing.callback(f"{PUBLIC_URL}/callbacks/transcription", TOKEN, BODY)
    response = app.test_client().post(
        url.removeprefix(PUBLIC_URL),
        headers=headers,
        environ_overrides={"wsgi.input": BytesIO(BODY[:-1]), "CONTENT_LENGTH": str(len(BODY))},
    )
    assert _is_to_try_again(response)
    assert ledger_rows(engine) == []


def test_a_fault_of_ours(app: Flask, twilio: Twilio) -> None:
    """An error that nobody foresaw is no fault of Twilio's: it tries again."""

    class Broken(GroupCommitter):
        def record(self, event: Event) -> Recorded:
            raise KeyError(event)

    parts = services_of(app)
    install(app, replace(parts, committer=Broken(parts.engine, max_leaders=1)))
    assert _is_to_try_again(twilio.call(BODY))


def test_unsigned(twilio: Twilio, engine: Engine) -> None:
    """What isn't shown to be Twilio's is answered 403, and nothing is recorded."""
    assert twilio.call(BODY, secret="another").status_code == 403
    assert ledger_rows(engine) == []


def test_too_large(twilio: Twilio, app: Flask, engine: Engine) -> None:
    """More than MAX_BODY_BYTES, which is more than Twilio sends, is answered 413."""
    limit = services_of(app).settings.max_body_bytes
    assert twilio.call(b"x" * (limit + 1)).status_code == 413
    assert ledger_rows(engine) == []
