"""The commands `retain` and `hold`."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine

from receiver.store.ledger.record import record
from tests.support.command import run
from tests.support.environment import changed_settings
from tests.support.retention import count_all, execute, old_event, rows, seed
from tests.support.store_events import quarantined

ADDRESS = "+15551230001"


@pytest.fixture
def limited(app: Flask) -> Iterator[Flask]:
    """Yield the application with bodies for ten days, the rest for thirty, tombstones for forty."""
    limits = {"retain_bodies_days": 10, "retain_metadata_days": 30, "retain_tombstones_days": 40}
    with changed_settings(app, **limits):
        yield app


def _counts(stdout: str) -> dict[str, int]:
    return {name: int(count) for count, name in map(str.split, stdout.splitlines())}


def test_dry_run_counts_what_a_pass_removes(limited: Flask, engine: Engine) -> None:
    """A dry run prints what the next pass removes, also in several windows, and writes nothing."""
    seed(engine, 1200, days=41)
    record(engine, old_event("job_000000001", days=41, duration=7))  # 1200 events after its first
    record(engine, old_event("job_000000002", days=1, duration=7))
    record(engine, quarantined(old_event("none", days=41)))
    execute(engine, "INSERT INTO tombstones VALUES ('job:x', now() - interval '41 days')")
    before = count_all(engine, "events", "transcriptions", "tombstones")
    counted = _counts(run(limited, "retain", "--dry-run").stdout)
    assert counted == {
        "bodies": 1202,
        "jobs": 1199,
        "events": 1201,
        "tombstones": 1,
    }
    assert count_all(engine, "events", "transcriptions", "tombstones") == before
    assert count_all(engine, "retention_progress") == 0
    assert _counts(run(limited, "retain").stdout) == counted
    assert _counts(run(limited, "retain", "--dry-run").stdout) == {}


def test_rejected_submissions_and_audit_go_too(limited: Flask, engine: Engine) -> None:
    """Rejected requests go with the bodies, submissions with the rest, the audit after a year."""
    for days in (9, 11):
        execute(
            engine,
            "INSERT INTO rejected (sha256, reason, account_id, job_id, origin, target, headers,"
            f" body, body_bytes, row_bytes, received_at) VALUES (sha256('{days}'), 'x', 'AC', 'j',"
            f" '', '', '{{}}', '', 9, 9, now() - interval '{days} days')",
        )
    record(engine, old_event("kept", days=1))
    for key, days, job in (("young", 29, "no"), ("old", 31, "no"), ("of_job", 31, "kept")):
        _submit(engine, key, days, job)
    _submit(engine, "resubmit-kept", 31, "no")
    for days in (364, 366):
        execute(
            engine,
            "INSERT INTO audit (at, reader, route, format, job_id)"
            f" VALUES (now() - interval '{days} days', 'reader', 'Body', 'bytes', 'job')",
        )
    removed = {"rejected": 1, "submissions": 1, "audit": 1}
    assert _counts(run(limited, "retain", "--dry-run").stdout) == removed
    assert _counts(run(limited, "retain").stdout) == removed
    keys = rows(engine, "SELECT idempotency_key FROM submissions ORDER BY 1")
    assert keys == [("of_job",), ("resubmit-kept",), ("young",)]


def _submit(engine: Engine, key: str, days: int, job: str) -> None:
    at = f"now() - interval '{days} days'"
    execute(
        engine,
        "INSERT INTO submissions (idempotency_key, request, submitted_by, created_at, asked_at,"
        f" job_id) VALUES ('{key}', '{{}}', 'test', {at}, {at}, '{job}')",
    )


def test_without_settings_nothing_is_removed(app: Flask, engine: Engine) -> None:
    """Without a setting, bodies and jobs are kept for ever."""
    record(engine, old_event("job", days=4000))
    result = run(app, "retain")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        "Kept: bodies for ever, jobs for ever, audit for 365 days, tombstones for ever.\n(none)\n"
    )
    assert count_all(engine, "events", "transcriptions") == 2


def test_holds_are_added_listed_and_removed(limited: Flask, engine: Engine) -> None:
    """A hold keeps what it names from `retain`, and is listed with its reason."""
    record(engine, old_event("job_1", days=40))
    record(engine, old_event("job_2", days=40, participants=[{"address": ADDRESS}]))
    added = run(limited, "hold", "add", "case-7", "--job", "job_1", "--reason", "Case 7.")
    assert added.exit_code == 0
    assert added.stderr == "case-7 holds the job job_1: 1 of the stored jobs.\n"
    added = run(
        limited, "hold", "add", "case-8", "--address", "+1 (555) 123-0001", "--reason", "Case 8."
    )
    assert added.stderr == f"case-8 holds the address {ADDRESS}: 1 of the stored jobs.\n"
    lines = run(limited, "hold", "list").output.splitlines()
    assert [line.split("  ")[::2] for line in lines] == [
        ["case-7", "job job_1", "Case 7."],
        ["case-8", f"address {ADDRESS}", "Case 8."],
    ]
    assert run(limited, "retain").stdout == ""
    removed = run(limited, "hold", "remove", "case-7")
    assert removed.exit_code == 0
    assert "run `erase` again" in removed.stderr
    assert _counts(run(limited, "retain").stdout) == {"bodies": 1, "jobs": 1, "events": 1}
    assert rows(engine, "SELECT id FROM transcriptions") == [("job_2",)]


def test_hold_that_matches_nothing(app: Flask, engine: Engine) -> None:
    """A number without its country code is refused, and anything else that no job has is named."""
    refused = run(app, "hold", "add", "a", "--address", "(555) 123-0001", "--reason", "x")
    assert refused.exit_code == 1
    assert "E.164" in refused.stderr
    assert count_all(engine, "holds") == 0
    for option, value in (("--address", "client:jane"), ("--job", "nobody")):
        added = run(app, "hold", "add", value, option, value, "--reason", "x")
        assert added.exit_code == 0
        assert "no stored job has this" in added.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add", "case-7", "--reason", "x"], 2),
        (["add", "case-7", "--job", "a", "--address", "b", "--reason", "x"], 2),
        (["add", "case-7", "--job", "a"], 2),
        (["add", "taken", "--job", "a", "--reason", "x"], 1),
        (["add", "case-7", "--job", "not an id", "--reason", "x"], 1),
        (["remove", "case-7"], 1),
    ],
)
def test_wrong_holds_are_errors(
    app: Flask, engine: Engine, arguments: list[str], code: int
) -> None:
    """A hold needs one thing to hold that can exist, a reason and a new name.

    Only an existing one is removed.
    """
    run(app, "hold", "add", "taken", "--job", "a", "--reason", "x")
    assert run(app, "hold", *arguments).exit_code == code
    assert count_all(engine, "holds") == 1


def test_earlier_release_keeps_jobs(limited: Flask, engine: Engine) -> None:
    """While a process of an earlier release is connected, no job is removed."""
    record(engine, old_event("job", days=40))
    with engine.connect() as connection:
        connection.exec_driver_sql("SET application_name = 'transcription-receiver'")
        result = run(limited, "retain")
        connection.invalidate()
    assert result.exit_code == 1
    assert "earlier release" in result.output
    assert count_all(engine, "transcriptions") == 1
