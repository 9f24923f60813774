"""Tests of the statements that read texts out, each of which writes its row of the audit."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from receiver.store.audit.access import Access, Route
from receiver.store.audit.texts import (
    confirm_callback,
    confirm_transcript,
    read_callback,
    read_event,
    read_transcript,
)
from receiver.store.ledger.record import record
from tests.support.audit_rows import audit_rows
from tests.support.paths import ROOT
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.store_events import make_event

EVENT = make_event({"status": "COMPLETED", "sentences": 1})
JOB = EVENT.job_id or ""
ACCESS = Access(
    reader="crm", route=Route.TRANSCRIPT, format="vtt", status=200, request_id="request-1"
)
BODY_ACCESS = replace(ACCESS, route=Route.BODY, format="bytes")

# The modules of the store that read bodies, or whether there is one, and why.
READS_BODIES = {
    "audit/export.py": "reads pages of them out, with a row in the audit for each",
    "audit/matches.py": "reads the matches of a search out, with a row in the audit for each",
    "audit/texts.py": "reads them out, with a row in the audit",
    "erasure/preview.py": "counts them",
    "jobs/complete_heads.py": "`rebuild` completes the heads of earlier releases",
    "jobs/read.py": "returns the digest of a body that isn't erased",
    "jobs/refold.py": "only looks whether one is gone",
    "ledger/quarantine.py": "a replay validates them again",
    "rejected/read.py": "`rejected accept` verifies them again",
    "retention/walk.py": "only looks whether there is one",
    "search/write.py": "the search indexes their words",
    "submissions/outbox.py": "a repeated submission gets Twilio's earlier response, without texts",
}


def test_transcript_is_read_with_its_row(engine: Engine) -> None:
    """One prepared statement reads the body and writes who reads what, and when."""
    record(engine, EVENT)
    with engine.connect() as connection:
        before = connection.execute(text("SELECT now()")).scalar_one()
        body = read_transcript(connection, JOB, EVENT.sha256, account_id=None, access=ACCESS)
        assert body == EVENT.body
        assert confirm_transcript(
            connection, JOB, EVENT.sha256, account_id=ACCOUNT, access=replace(ACCESS, status=304)
        )
        prepared = connection.execute(text("SELECT statement FROM pg_prepared_statements"))
        assert sum("INSERT INTO audit" in each for each in prepared.scalars()) == 2
    fields = ("reader", "job_id", "callback_id", "route", "format", "status", "request_id")
    assert audit_rows(engine, *fields) == [
        ("crm", JOB, None, "Transcript", "vtt", status, "request-1") for status in (200, 304)
    ]
    times = [at for (at,) in audit_rows(engine, "at")]
    assert before < times[0] < times[1] < before + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("change", "account", "sha256"),
    [
        ("UPDATE events SET body = NULL", None, EVENT.sha256),
        ("UPDATE transcriptions SET transcript_sha256 = NULL", None, EVENT.sha256),
        ("UPDATE transcriptions SET transcript_sha256 = 'x'", None, EVENT.sha256),
        ("SELECT 1", OTHER_ACCOUNT, EVENT.sha256),
        ("SELECT 1", None, b"x"),
    ],
)
def test_nothing_is_read_of_another_or_erased_transcript(
    engine: Engine, change: str, account: str | None, sha256: bytes
) -> None:
    """An erased or replaced transcript, or another account's, isn't read and leaves no row."""
    record(engine, EVENT)
    with engine.connect() as connection:
        connection.execute(text(change))
        key = (connection, JOB, sha256)
        assert read_transcript(*key, account_id=account, access=ACCESS) is None
        assert not confirm_transcript(*key, account_id=account, access=ACCESS)
    assert audit_rows(engine, "id") == []


def test_body_is_read_with_its_row(engine: Engine) -> None:
    """Each read of a body leaves the job and the callback's number."""
    number = record(engine, EVENT).id or 0
    command = Access(reader="user:ops", route=Route.BODY_COMMAND, format="bytes")
    with engine.connect() as connection:
        key = (connection, JOB, number)
        assert read_callback(*key, account_id=None, access=BODY_ACCESS) == EVENT.body
        assert confirm_callback(*key, account_id=ACCOUNT, access=BODY_ACCESS)
        assert read_event(connection, number, access=command) == EVENT.body
    assert audit_rows(engine, "reader", "job_id", "callback_id", "route", "status") == [
        ("crm", JOB, number, "Body", 200),
        ("crm", JOB, number, "Body", 200),
        ("user:ops", JOB, number, "command callbacks body", None),
    ]


@pytest.mark.parametrize(
    ("change", "job", "account"),
    [
        ("UPDATE events SET body = NULL", JOB, None),
        ("SELECT 1", "other", None),
        ("SELECT 1", JOB, OTHER_ACCOUNT),
    ],
)
def test_nothing_is_read_of_another_or_erased_body(
    engine: Engine, change: str, job: str, account: str | None
) -> None:
    """An erased body, or one of another job or account, isn't read and leaves no row."""
    number = record(engine, EVENT).id or 0
    with engine.connect() as connection:
        connection.execute(text(change))
        key = (connection, job, number)
        assert read_callback(*key, account_id=account, access=BODY_ACCESS) is None
        assert not confirm_callback(*key, account_id=account, access=BODY_ACCESS)
        assert read_event(connection, number + 1, access=BODY_ACCESS) is None
    assert audit_rows(engine, "id") == []


def test_only_listed_modules_read_bodies() -> None:
    """A module of the store that reads a body must be listed here, with the reason."""
    reads_body = re.compile(r"\bc\.body\b|select\((events|rejected)\)")
    store = ROOT / "receiver" / "store"
    found = {
        str(path.relative_to(store))
        for path in store.rglob("*.py")
        if reads_body.search(path.read_text())
    }
    assert found == READS_BODIES.keys()
