"""The command `rejected accept`."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from receiver.services import services_of
from receiver.settings.keys import parse_auth_tokens
from receiver.store.erasure.tombstones import add_tombstones, job_key
from receiver.store.tables import events, rejected
from tests.support.environment import PUBLIC_URL, ROUTE, changed_settings
from tests.support.faults.callbacks import callback, job_id
from tests.support.forged_callbacks import forged
from tests.support.rejected_commands import (
    OLD_TOKEN,
    SHARED_KEY,
    Case,
    deliver,
    read_rejected_ids,
    run_rejected,
)


class TestCorrectedSettings:
    """The requests were rejected with a wrong token, and the current one is correct."""

    @pytest.fixture(autouse=True)
    def _reject(self, app: Flask) -> None:
        """Reject three requests, the last of them forged."""
        with changed_settings(app, signing_keys=parse_auth_tokens(OLD_TOKEN)):
            for number in range(2):
                assert deliver(app, Case(), callback(number, size=0)) == 403
            assert deliver(app, Case(secret=SHARED_KEY), forged(1)) == 403

    def test_accept_records_what_verifies(self, app: Flask) -> None:
        """Requests that verify are recorded with their original time; the others stay."""
        with services_of(app).engine.connect() as connection:
            stored = list(connection.execute(select(rejected).order_by(rejected.c.id)).all())
        result = run_rejected(app, "accept")
        assert result.exit_code == 0
        assert "       2  accepted" in result.stderr
        assert "       1  stay" in result.stderr
        with services_of(app).engine.connect() as connection:
            recorded = list(connection.execute(select(events).order_by(events.c.id)).all())
        assert [(row.body, row.received_at) for row in recorded] == [
            (row.body, row.received_at) for row in stored[:2]
        ]
        assert {(row.outcome, row.key_id) for row in recorded} == {("applied", "auth-token-1")}
        assert recorded[0].signature == stored[0].headers["X-Twilio-Signature"]
        assert recorded[0].url == PUBLIC_URL + stored[0].target
        assert read_rejected_ids(app) == [stored[2].id]
        assert "       1  stay" in run_rejected(app, "accept").stderr

    def test_dry_run_changes_nothing(self, app: Flask) -> None:
        """A dry run prints the same counts and writes nothing."""
        before = read_rejected_ids(app)
        result = run_rejected(app, "accept", "--dry-run")
        assert "       2  accepted" in result.stderr
        assert read_rejected_ids(app) == before
        with services_of(app).engine.connect() as connection:
            assert connection.execute(select(events.c.id)).all() == []

    def test_dry_run_knows_what_was_erased(self, app: Flask) -> None:
        """A dry run counts what isn't recorded because its job was erased."""
        with services_of(app).engine.connect() as connection:
            add_tombstones(connection, [job_key(job_id(0))], datetime.now(UTC))
        for options in (("--dry-run",), ()):
            result = run_rejected(app, "accept", *options)
            assert "       1  accepted" in result.stderr
            assert "       1  erased" in result.stderr

    def test_accept_by_id(self, app: Flask) -> None:
        """Only the named requests are accepted, and the exit code is 1 if one of them stays."""
        first, second, forgery = read_rejected_ids(app)
        assert run_rejected(app, "accept", str(first)).exit_code == 0
        assert read_rejected_ids(app) == [second, forgery]
        assert run_rejected(app, "accept", str(second), str(forgery)).exit_code == 1
        assert read_rejected_ids(app) == [forgery]

    def test_crash_before_the_removal_is_harmless(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A request that was recorded but not removed is accepted again and recorded once."""

        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("receiver.rejected.accept.remove_rejected", crash)
            assert run_rejected(app, "accept").exit_code != 0
        assert len(read_rejected_ids(app)) == 3
        assert "       2  accepted" in run_rejected(app, "accept").stderr
        with services_of(app).engine.connect() as connection:
            assert len(connection.execute(select(events.c.id)).all()) == 2


@pytest.mark.parametrize("path", ["/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", "/a%20b", "/a@b"])
def test_path_that_is_no_prefix_is_accepted_with_public_url(app: Flask, path: str) -> None:
    """A callback below a path that can't be a prefix is kept, until PUBLIC_URL has the path."""
    case = Case(called_url=f"{PUBLIC_URL}{path}{ROUTE}", received_path=f"{path}{ROUTE}")
    assert deliver(app, case) == 403
    assert len(read_rejected_ids(app)) == 1
    assert "       1  stay" in run_rejected(app, "accept").stderr
    with changed_settings(app, public_url=f"{PUBLIC_URL}{path}"):
        assert "verified now" in run_rejected(app, "check").stdout
        assert "       1  accepted" in run_rejected(app, "accept").stderr
    assert read_rejected_ids(app) == []


def test_prefix_must_be_named_before_it_is_accepted(app: Flask) -> None:
    """A callback below a path prefix is accepted once PUBLIC_URL_PREFIXES names the prefix."""
    case = Case(called_url=f"{PUBLIC_URL}/calls{ROUTE}", received_path=f"/calls{ROUTE}")
    assert deliver(app, case) == 403
    for named in ((), ("/call",), ("/",)):
        with changed_settings(app, public_url_prefixes=named):
            assert "       1  stay" in run_rejected(app, "accept").stderr
    with changed_settings(app, public_url_prefixes=("/calls",)):
        assert "verified now" in run_rejected(app, "check").stdout
        assert "       1  accepted" in run_rejected(app, "accept").stderr
        assert deliver(app, case) == 204
    assert read_rejected_ids(app) == []
