"""Tests of every way back into the store: none of them brings back what was erased."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select, text

from receiver.callbacks.drain import Drain
from receiver.privacy.erase import erase
from receiver.privacy.target import Target
from receiver.services import services_of
from receiver.settings.keys import parse_auth_tokens
from receiver.spool.folder import Spool
from receiver.store.engine import transactional
from receiver.store.erasure.tombstones import add_tombstones, job_key
from receiver.store.event import Outcome
from receiver.store.jobs.complete_heads import complete_heads
from receiver.store.jobs.rebuild import rebuild
from receiver.store.jobs.rebuild_all import rebuild_all
from receiver.store.ledger.record import record
from receiver.store.tables import events, transcriptions
from tests.support.app import Reader, Twilio
from tests.support.callback_events import received_event
from tests.support.command import run
from tests.support.environment import changed_settings
from tests.support.erasures import REQUESTER, erase_target, found_places
from tests.support.rejected_commands import OLD_TOKEN, Case, deliver, read_rejected_ids
from tests.support.samples import COMPLETED, JOB, OTHER_ACCOUNT
from tests.support.stored_callbacks import json_of

VALUES = ["Jane", "+15551234567", "four four seven one nine"]
TARGETS = [Target("job", JOB), Target("address", VALUES[1])]


def _body(**changes: Any) -> bytes:
    return json.dumps({**json.loads(COMPLETED), **changes}).encode()


@pytest.fixture(params=TARGETS, ids=lambda target: target.kind)
def erased(app: Flask, twilio: Twilio, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Yield the database after the job was erased, and check it after the test."""
    assert twilio.call(COMPLETED).status_code == 204
    engine = services_of(app).engine
    erase_target(engine, request.param)
    assert found_places(engine, VALUES) == []
    yield engine
    assert found_places(engine, VALUES) == []
    with engine.connect() as connection:
        job = connection.execute(select(transcriptions)).one()
    assert (job.status, bool(job.erased_at), job.transcript_sha256) == ("COMPLETED", True, None)


@pytest.mark.usefixtures("erased")
@pytest.mark.parametrize(
    "body",
    [
        COMPLETED,
        _body(language="de-DE"),
        _body(status="what"),
        _body(status="RUNNING"),
        _body(accountId="AC" + "b" * 32),
        _body(participants=[]),
    ],
    ids=["retry", "other body", "unusable body", "earlier status", "foreign", "no address"],
)
def test_late_callbacks_are_answered_204(twilio: Twilio, body: bytes) -> None:
    """Any callback of an erased job, twice, is answered 204."""
    assert [twilio.call(body).status_code for _ in range(2)] == [204, 204]


def test_late_callback_leaves_ids_only_in_the_log(
    erased: Engine, twilio: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the erased job, and nothing else of its callbacks."""
    caplog.set_level("INFO")
    twilio.call(COMPLETED)
    twilio.call(_body(status="what"))
    erase_target(erased, Target("address", VALUES[1]))
    lines = [record for record in caplog.records if record.getMessage() == "callback erased"]
    assert [record.levelname for record in lines] == ["INFO", "INFO"]
    assert {record.__dict__["job"] for record in lines} == {JOB}
    logged = repr([record.__dict__ for record in caplog.records])
    assert not [value for value in VALUES if value in logged]


def test_spooled_copies_of_any_machine_are_absorbed(erased: Engine, spool: Spool) -> None:
    """Copies that another machine spooled before are moved, and nothing of them is stored."""
    spool.put(received_event(COMPLETED, at=datetime(2026, 1, 1, tzinfo=UTC)))
    spool.put(received_event(_body(status="what")))
    drain = Drain(erased, spool, [])
    results = list(drain.run(drain.waiting()))
    assert [result.moved for result in results] == [True, True]
    assert spool.list_files() == []


def test_rebuilding_restores_nothing(erased: Engine) -> None:
    """Rebuilding an erased job, also one whose row was lost, and completing heads, is safe."""
    complete_heads(erased, [JOB])
    assert rebuild(erased, [JOB]) == []
    with erased.connect() as connection:
        connection.execute(text("DELETE FROM transcriptions"))
    [rebuilt] = rebuild_all(erased, after="", workers=1)
    assert rebuilt.changed == [JOB]


def test_row_lost_before_the_erasure(app: Flask, twilio: Twilio) -> None:
    """A job whose row was lost before its erasure is rebuilt as erased: it is no gap."""
    twilio.call(COMPLETED)
    engine = services_of(app).engine
    with engine.connect() as connection:
        connection.execute(text("DELETE FROM transcriptions"))
    erase_target(engine, TARGETS[0])
    assert rebuild(engine, [JOB]) == [JOB]
    with engine.connect() as connection:
        assert connection.scalar(select(transcriptions.c.erased_at))
    assert found_places(engine, VALUES) == []


def test_rejected_copies_are_absorbed(app: Flask, erased: Engine) -> None:
    """A rejected copy of an erased job isn't stored; one from a restored dump isn't accepted."""
    wrong = parse_auth_tokens(OLD_TOKEN)
    with changed_settings(app, signing_keys=wrong):
        assert deliver(app, Case(), COMPLETED) == 403
    assert read_rejected_ids(app) == []
    with erased.connect() as connection:  # as before the erasure
        connection.execute(text("ALTER TABLE tombstones RENAME TO restored"))
        connection.execute(text("CREATE TABLE tombstones (LIKE restored INCLUDING ALL)"))
    try:
        with changed_settings(app, signing_keys=wrong):
            assert deliver(app, Case(), COMPLETED) == 403
    finally:
        with erased.connect() as connection:
            connection.execute(text("DROP TABLE tombstones"))
            connection.execute(text("ALTER TABLE restored RENAME TO tombstones"))
    result = run(app, "rejected", "accept")
    assert (result.exit_code, read_rejected_ids(app)) == (0, [])
    assert "       1  erased" in result.stderr


@pytest.mark.parametrize("names_its_job", [True, False])
def test_quarantined_copies_are_redacted(
    app: Flask, twilio: Twilio, *, names_its_job: bool
) -> None:
    """Copies in quarantine are redacted, also unreadable ones, and `callbacks replay` says so."""
    engine = services_of(app).engine
    twilio.call(COMPLETED)
    assert twilio.call(_body(status="what") if names_its_job else COMPLETED[:-9]).status_code == 204
    erase_target(engine, TARGETS[0])
    assert found_places(engine, VALUES) == []
    result = run(app, "callbacks", "replay", "--outcome", "erased")
    assert result.exit_code == 0
    listed = run(app, "callbacks", "list", "--outcome", "erased")
    assert (listed.exit_code, "erased" in listed.stdout) == (0, True)


@pytest.mark.parametrize("has_row", [True, False])
def test_replay_of_a_copy_without_a_job(app: Flask, twilio: Twilio, *, has_row: bool) -> None:
    """A quarantined copy that shows its erased job only when it is validated is redacted."""
    engine = services_of(app).engine
    if has_row:
        twilio.call(_body(language="de-DE"))
    unnamed = received_event(COMPLETED).quarantined("internal_error", "For the test.")
    callback_id = record(engine, unnamed).id
    with transactional(engine).begin() as connection:
        # An erasure finds it by its text. This one has not seen it.
        add_tombstones(connection, [f"job:{JOB}"], datetime.now(UTC), 1)
    result = run(app, "callbacks", "replay", str(callback_id))
    assert (result.exit_code, "       1  erased" in result.stderr) == (0, True)
    assert found_places(engine, VALUES) == []


@pytest.mark.parametrize("comes_after", [True, False])
def test_erased_address_does_not_keep_out_another_account(
    app: Flask, twilio: Twilio, *, comes_after: bool
) -> None:
    """An account that claims another's job for an erased address can't have that job erased."""
    engine, claimed = services_of(app).engine, _body(accountId=OTHER_ACCOUNT)
    twilio.call(claimed if not comes_after else b"{}")
    erase_target(engine, TARGETS[1])
    twilio.call(claimed)
    own = _body(participants=[{"address": "+15550000000"}])
    assert twilio.call(own).status_code == 204
    with engine.connect() as connection:
        stored = connection.scalars(select(events.c.body).where(events.c.body == own)).all()
    assert stored == [own]


@pytest.mark.parametrize("status", ["COMPLETED", "what"])
def test_hold_keeps_the_callback_of_an_erased_address(
    app: Flask, twilio: Twilio, status: str
) -> None:
    """A late callback with an erased and a held address is stored: a hold is the stronger one."""
    engine, held = services_of(app).engine, "+15550000000"
    erase_target(engine, TARGETS[1])
    assert run(app, "hold", "add", "case-7", "--address", held, "--reason", "x").exit_code == 0
    body = _body(participants=[{"address": VALUES[1]}, {"address": held}], status=status)
    assert twilio.call(body).status_code == 204
    with engine.connect() as connection:
        assert connection.scalars(select(events.c.body)).all() == [body]


def test_reapplying_keeps_to_the_account(app: Flask, twilio: Twilio) -> None:
    """After a restore, what was erased for one account is erased again, and no other's callback."""
    engine = services_of(app).engine
    twilio.call(_body(accountId=OTHER_ACCOUNT))
    twilio.call(COMPLETED)
    with transactional(engine).begin() as connection:
        key = job_key(JOB, OTHER_ACCOUNT)
        add_tombstones(connection, [key], datetime.now(UTC), 1)
    assert run(app, "erase", "reapply").exit_code == 0
    with engine.connect() as connection:
        bodies = connection.scalars(select(events.c.body).where(events.c.body.is_not(None))).all()
        assert connection.scalar(select(transcriptions.c.erased_at))
    assert bodies == [COMPLETED]


def test_erasure_moves_the_transaction_id(app: Flask, twilio: Twilio) -> None:
    """An erasure and an absorbed event that changes the job are news for a change feed."""
    engine = services_of(app).engine
    twilio.call(_body(status="RUNNING"))
    changes: list[Callable[[], object]] = [
        lambda: erase_target(engine, TARGETS[0]),
        lambda: twilio.call(COMPLETED),
    ]
    seen = [_transaction_id(engine)]
    for change in changes:
        change()
        seen.append(_transaction_id(engine))
    assert seen == sorted(set(seen))
    twilio.call(COMPLETED)  # says nothing new
    assert _transaction_id(engine) == seen[-1]


def _transaction_id(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(transcriptions.c.transaction_id)).scalar_one())


@pytest.mark.usefixtures("erased")
def test_reads_of_an_erased_job(read: Reader) -> None:
    """The API still knows the job and its callbacks, and says that it was erased."""
    job = json_of(read(f"/v3/Transcriptions/{JOB}"))
    assert "Jane" not in repr(job)
    transcript = read(f"/v3/Transcriptions/{JOB}/Transcript")
    assert transcript.status_code == 404
    assert "It was erased at 20" in json_of(transcript)["detail"]
    [callback] = json_of(read(f"/v3/Transcriptions/{JOB}/Callbacks"))["callbacks"]
    assert callback["outcome"] == Outcome.APPLIED
    body = read(f"/v3/Transcriptions/{JOB}/Callbacks/{callback['id']}/Body")
    assert body.status_code == 404


def test_spooled_copy_of_this_machine_is_removed(app: Flask, twilio: Twilio, spool: Spool) -> None:
    """Without a drain, the erasure itself removes the copies from this machine's spool."""
    twilio.call(COMPLETED)
    engine = services_of(app).engine
    spool.put(received_event(COMPLETED))
    spool.put(received_event(_body(id="other", participants=[])))
    receipt = erase(engine, TARGETS[0], REQUESTER, spool=spool)
    assert receipt.counts["spool_files"] == 1
    assert len(spool.list_files()) == 1
    with engine.connect() as connection:
        assert connection.execute(select(events).where(events.c.body.is_not(None))).all() == []


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, None),
        ({"createdAt": None}, "quarantined"),
        ({"createdAt": "2126-01-01T00:00:00Z"}, "quarantined"),
        ({"participants": [{"address": "\ud800"}, 7, {"address": 7}]}, "quarantined"),
    ],
    ids=["began before", "no time", "later call", "odd"],
)
def test_unusable_body_of_an_erased_address(
    app: Flask, twilio: Twilio, changes: dict[str, Any], outcome: str | None
) -> None:
    """Nothing is stored of an unusable body whose job is unknown and began before the erasure."""
    engine = services_of(app).engine
    erase_target(engine, TARGETS[1])
    assert twilio.call(_body(status="what", **changes)).status_code == 204
    with engine.connect() as connection:
        assert connection.scalar(select(events.c.outcome)) == outcome
    assert bool(found_places(engine, VALUES)) == (outcome is not None)


def test_lone_surrogate_is_no_reason_to_lose_a_callback(app: Flask, twilio: Twilio) -> None:
    """A callback with a text that can't be encoded is stored, also beside erased addresses."""
    engine = services_of(app).engine
    erase_target(engine, TARGETS[1])
    participants = [{"audioChannelIndex": 1, "address": "\ud800"}]
    assert twilio.call(_body(id="other", participants=participants)).status_code == 204
    with engine.connect() as connection:
        assert connection.execute(select(events.c.body).where(events.c.job_id == "other")).all()
