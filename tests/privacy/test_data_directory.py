"""Test of what is left of an erased job in the files of Postgres, and what removes it."""

import base64
import random
import re
from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask

from app import create_app
from dev.postgres import Server
from receiver.services import services_of
from receiver.store.erasure.vacuum import VACUUM
from receiver.store.migrate import migrate
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import ENVIRON, close_app
from tests.support.erasing import body

SENTENCE = "The heron sleeps at noon beside the 7391st willow."
NAME = "Ottoline Quackenbush"
ADDRESS = "+15550007391"
PLANTED = re.compile(b"|".join(re.escape(text.encode()) for text in (SENTENCE, NAME, ADDRESS)))

PAGE_BYTES = 8192
# More than enough for a small server to reuse or remove its old segments of the WAL.
MAX_WAL_SWITCHES = 10


@pytest.fixture
def own_app(own_postgres: Server) -> Iterator[Flask]:
    """Yield the application on a server of its own."""
    app = create_app({**ENVIRON, "DATABASE_URL": own_postgres.url()})
    migrate(services_of(app).engine, report=lambda _: None)
    yield app
    close_app(app)


def _files(server: Server) -> dict[str, bytes]:
    """Return the files of the server, also its log, that contain what was planted."""
    contents = {
        str(path.relative_to(server.folder)): path.read_bytes()
        for path in server.folder.rglob("*")
        if path.is_file()
    }

    return {name: data for name, data in contents.items() if PLANTED.search(data)}


def _tables(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name.startswith("cluster/base/")}


def _rows(data: bytes) -> list[bytes]:
    """Return what was planted and is in a row or an index entry, not in a page's free space.

    Free space is between the two positions in the page's header.
    """
    found = []
    for match in PLANTED.finditer(data):
        start = match.start() // PAGE_BYTES * PAGE_BYTES
        lower, upper = (
            int.from_bytes(data[start + at : start + at + 2], "little") for at in (12, 14)
        )
        if not lower <= match.start() - start < upper:
            found.append(match[0])

    return found


def _execute(server: Server, *statements: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _plant(app: Flask) -> None:
    """Store the texts uncompressed, in a small and in a large body, and in the statistics."""
    twilio = Twilio(app.test_client())
    people = [{"name": NAME, "address": ADDRESS}]
    noise = base64.b64encode(random.Random(1).randbytes(15_000)).decode()
    for number in range(5):
        twilio.call(body(id=f"other_{number}"))
    for job, texts in (("small", [SENTENCE]), ("large", [noise, SENTENCE])):
        sentences = [{"text": text} for text in texts]
        assert (
            twilio.call(body(id=job, participants=people, sentences=sentences)).status_code == 204
        )


def test_files_of_postgres(own_app: Flask, own_postgres: Server) -> None:
    """After VACUUM no row has it, after VACUUM FULL no table's file, in the end not the WAL."""
    _plant(own_app)
    _execute(own_postgres, "ANALYZE", "CHECKPOINT")
    assert len(_tables(_files(own_postgres))) >= 5  # heap, TOAST, index, statistics

    assert run(own_app, "erase", "address", ADDRESS, "--yes").exit_code == 0
    _execute(own_postgres, VACUUM, "VACUUM pg_statistic", "CHECKPOINT")
    after_vacuum = _tables(_files(own_postgres))
    assert {name: _rows(data) for name, data in after_vacuum.items() if _rows(data)} == {}

    _execute(own_postgres, "VACUUM FULL", "CHECKPOINT")
    left = _files(own_postgres)
    assert _tables(left) == {}
    assert {name.split("/")[1] for name in left} <= {"pg_wal"}

    for _ in range(MAX_WAL_SWITCHES):
        if not (left := _files(own_postgres)):
            break
        _execute(own_postgres, "SELECT pg_switch_wal()", "CHECKPOINT")
    assert left == {}
