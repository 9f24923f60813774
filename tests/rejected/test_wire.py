"""Forged requests on the wire: whatever they do, what is signed comes first."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from dev.postgres import Server
from receiver.store.engine import make_engine
from receiver.store.migrate import migrate
from receiver.store.tables import rejected
from tests.support.environment import open_engine
from tests.support.faults.callbacks import callback
from tests.support.forged_callbacks import forged, raw_head
from tests.support.postgres import frozen
from tests.support.server import WebServer, read_response, web_server
from tests.support.stored_callbacks import truncate


@pytest.fixture(scope="module")
def _server(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """Run the service, which waits for a second for the body of a refused request."""
    log = tmp_path_factory.mktemp("web") / "log"
    with web_server(module_database, log, {"rejected_read_seconds": 1.0}) as server:
        yield server


@pytest.fixture
def engine(module_database: str) -> Iterator[Engine]:
    """Yield an engine on the service's database."""
    with open_engine(module_database) as engine:
        yield engine


@pytest.fixture
def web(_server: WebServer, engine: Engine) -> Iterator[WebServer]:
    """Yield the service, whose database is empty."""
    yield _server
    truncate(engine)


def _kept(engine: Engine) -> set[bytes]:
    with engine.connect() as connection:
        return set(connection.execute(select(rejected.c.body)).scalars())


def _sent(web: WebServer, *parts: bytes) -> bytes:
    """Send the parts and return the status line's beginning."""
    with web.connect() as connection:
        for part in parts:
            connection.sendall(part)
        return read_response(connection)[:12]


REFUSED = b"HTTP/1.1 403"
# As if the database were far away: fifty take more than refused.WRITE_SECONDS.
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN PERFORM pg_sleep(0.045); RETURN NEW; END';
CREATE TRIGGER slow BEFORE INSERT ON rejected FOR EACH ROW EXECUTE FUNCTION slow();
"""
FAST = "DROP FUNCTION slow CASCADE"


def test_every_way_to_send_a_body(web: WebServer, engine: Engine) -> None:
    """In one piece or in chunks it is kept; cut short, too long or in broken chunks it isn't."""
    host = f"127.0.0.1:{web.port}"
    whole, chunked, cut, huge, broken = (forged(number, size=50_000) for number in range(5))
    chunks = "Transfer-Encoding: chunked"
    assert _sent(web, raw_head(whole, host=host), whole) == REFUSED
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(chunked), chunked)
    assert _sent(web, raw_head(chunked, host=host, length=chunks), framed) == REFUSED
    assert _sent(web, raw_head(huge, host=host, length="Content-Length: 9999999")) == REFUSED
    assert (
        _sent(web, raw_head(broken, host=host, length=chunks), b"%x\r\nno" % len(broken)) == REFUSED
    )
    assert _sent(web, raw_head(cut, host=host), cut[:-1]) == REFUSED
    assert _kept(engine) == {whole, chunked}


def test_a_burst_is_kept_by_a_slow_store(web: WebServer, engine: Engine) -> None:
    """Jobs that end at once wait for their turn, for longer than any one of them may take."""
    with engine.connect() as connection:
        connection.execute(text(SLOW))
    bodies = [forged(number) for number in range(50)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = pool.map(lambda body: _sent(web, raw_head(body, host="internal"), body), bodies)
        assert set(answers) == {REFUSED}
    assert _kept(engine) == set(bodies)
    with engine.connect() as connection:
        connection.execute(text(FAST))


def test_slow_bodies_keep_nobody_waiting(web: WebServer, engine: Engine) -> None:
    """A hundred that never come: signed callbacks are taken, and another refused one is kept."""
    with ExitStack() as stack:
        slow = [stack.enter_context(web.connect()) for _ in range(100)]
        for number, connection in enumerate(slow):
            body = forged(number, size=50_000)
            connection.sendall(raw_head(body, host="internal") + body[:20_000])
        assert web.call(callback(1)).status_code == 204
        other = forged(1000)
        assert _sent(web, raw_head(other, host="internal"), other) == REFUSED
        assert {read_response(connection)[:12] for connection in slow} == {REFUSED}
    assert _kept(engine) == {other}


def test_a_frozen_postgres_makes_no_other_answer(own_postgres: Server, tmp_path: Path) -> None:
    """What is refused is refused, kept or not, and isn't tried again."""
    engine = make_engine(own_postgres.url(), pool_size=1)
    migrate(engine, report=lambda _: None)
    engine.dispose()
    with web_server(own_postgres.url(), tmp_path / "log", {"rejected_read_seconds": 1.0}) as web:
        first, second = forged(1), forged(2)
        assert _sent(web, raw_head(first, host="internal"), first) == REFUSED
        with frozen(own_postgres):
            assert _sent(web, raw_head(second, host="internal"), second) == REFUSED
        assert web.call(callback(1)).status_code == 204
    assert "a rejected request was not stored" in web.log.read_text()
