"""Tests of `erase export` and `erase reapply`: a restored backup brings nothing back."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import insert, text

from app import create_app
from dev.postgres import Server
from receiver.services import services_of
from receiver.store.tables import erasures, submissions, transcriptions
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import ENVIRON, close_app
from tests.support.erasing import ADDRESS, body, is_stored, rows_of
from tests.support.postgres import new_database

OTHER = "+15557654321"


@pytest.fixture
def restored(app: Flask, postgres: Server, twilio: Twilio) -> Iterator[Flask]:
    """Yield the application on a copy of the database, which was made before the erasures."""
    _fill(app, twilio)
    url = services_of(app).settings.database_url
    close_app(app)
    with psycopg.connect(url) as connection:
        name = connection.info.dbname
    with new_database(postgres, template=name) as copy:
        other = create_app({**ENVIRON, "DATABASE_URL": copy, "WEB_CONCURRENCY": "1"})
        yield other
        close_app(other)


def _participants(address: str) -> list[dict[str, str]]:
    return [{"name": "Jane", "address": address}]


def _fill(app: Flask, twilio: Twilio) -> None:
    for job in ("by_id", "stays"):
        twilio.call(body(id=job, participants=_participants(OTHER), conversationId=None))
    twilio.call(body(id="by_address", participants=_participants(ADDRESS)))
    twilio.call(body(id="by_conversation", participants=[], conversationId="conv_7"))
    twilio.call(json.dumps({"unusable": ADDRESS}).encode())
    with services_of(app).engine.connect() as connection:
        connection.execute(
            insert(submissions).values(
                idempotency_key="key",
                request=json.dumps({"participants": _participants(ADDRESS)}),
                submitted_by="writer",
                created_at="2026-01-01",
                asked_at="2026-01-01",
            )
        )


def _erase(app: Flask) -> None:
    for target in (("job", "by_id"), ("address", ADDRESS), ("conversation", "conv_7")):
        assert run(app, "erase", *target, "--yes").exit_code == 0


def _erased(app: Flask) -> dict[str, bool]:
    return {row.id: row.erased_at is not None for row in rows_of(app, transcriptions)}


def _export(app: Flask, path: Path) -> Path:
    assert run(app, "erase", "export", str(path)).exit_code == 0

    return path


def test_restored_backup_is_erased_again(app: Flask, restored: Flask, tmp_path: Path) -> None:
    """Everything is erased again that was erased after the backup, and nothing else."""
    _erase(app)
    file = _export(app, tmp_path / "erasures")
    assert file.stat().st_mode & 0o777 == 0o600
    assert ADDRESS not in file.read_text()
    assert is_stored(restored, ADDRESS)
    done = run(restored, "erase", "reapply", str(file))
    assert done.exit_code == 0, done.output
    exported_at = json.loads(file.read_text().splitlines()[0])["exported_at"]
    assert f"It was written at {exported_at[:19]}Z" in done.stderr
    assert _erased(restored) == {
        "by_id": True,
        "by_address": True,
        "by_conversation": True,
        "stays": False,
    }
    assert not is_stored(restored, ADDRESS)
    assert not is_stored(restored, "conv_7")
    assert [row.kind for row in rows_of(restored, erasures)] == [
        *(row.kind for row in rows_of(app, erasures)),
        "reapply",
    ]
    again = run(restored, "erase", "reapply", str(file))
    assert "Nothing more was found to erase." in again.stdout


def test_without_a_file_the_own_records_are_used(app: Flask, restored: Flask) -> None:
    """After a restore of other tables alone, the database's own tombstones are enough."""
    _erase(app)
    before = rows_of(restored, transcriptions)
    with services_of(app).engine.connect() as connection:
        connection.execute(text("DELETE FROM transcriptions"))
        names = set(transcriptions.c.keys()) - {"sort_at", "transaction_id"}
        connection.execute(
            insert(transcriptions),
            [{name: getattr(row, name) for name in names} for row in before],
        )
    assert is_stored(app, ADDRESS)
    assert run(app, "erase", "reapply").exit_code == 0
    assert not is_stored(app, ADDRESS)
    assert _erased(app)["stays"] is False


def test_key_is_taken_over(app: Flask, restored: Flask, tmp_path: Path) -> None:
    """A database without erasures takes over the file's key; one with erasures refuses the file."""
    _erase(app)
    file = _export(app, tmp_path / "erasures")
    with services_of(restored).engine.connect() as connection:
        connection.execute(text("UPDATE erasure_key SET key = 'another'"))
    done = run(restored, "erase", "reapply", str(file))
    assert done.exit_code == 0, done.output
    assert not is_stored(restored, ADDRESS)
    with services_of(restored).engine.connect() as connection:
        connection.execute(text("UPDATE erasure_key SET key = 'another'"))
    done = run(restored, "erase", "reapply", str(file))
    assert done.exit_code == 1
    assert "another database" in done.stderr


def test_key_is_not_changed_while_others_are_connected(
    app: Flask, restored: Flask, tmp_path: Path
) -> None:
    """Other processes remember the key, so they must be stopped before it is taken over."""
    _erase(app)
    file = _export(app, tmp_path / "erasures")
    url = services_of(restored).settings.database_url
    with services_of(restored).engine.connect() as connection:
        connection.execute(text("UPDATE erasure_key SET key = 'another'"))
    with psycopg.connect(url, application_name="transcription-receiver/9999"):
        done = run(restored, "erase", "reapply", str(file))
    assert done.exit_code == 1
    assert "Stop them" in done.stderr
    assert is_stored(restored, ADDRESS)


@pytest.mark.parametrize("damage", ["cut", "text", "binary"])
def test_damaged_file(app: Flask, tmp_path: Path, damage: str) -> None:
    """Of a file that was cut off, or is another one, nothing is used."""
    assert run(app, "erase", "address", ADDRESS, "--yes").exit_code == 0
    file = _export(app, tmp_path / "erasures")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes({"cut": b"".join(lines[:-1]), "text": b"x\n", "binary": b"\xff\xfe"}[damage])
    done = run(app, "erase", "reapply", str(file))
    assert done.exit_code == 1
    assert "Error: " in done.stderr
    assert len(rows_of(app, erasures)) == 1
