"""Tests of forged requests over HTTP: they never delay signed ones."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Engine, select, text

from dev.postgres import Server
from receiver.store.engine import make_engine
from receiver.store.migrate import migrate
from receiver.store.tables import rejected
from tests.support.faults.callbacks import callback
from tests.support.forged_callbacks import forged, forged_head
from tests.support.postgres import frozen
from tests.support.server import WebServer, read_response, web_server


def _stored_bodies(engine: Engine) -> set[bytes]:
    with engine.connect() as connection:
        return set(connection.execute(select(rejected.c.body)).scalars())


def _send(web: WebServer, *parts: bytes) -> bytes:
    """Send the parts and return the beginning of the status line."""
    with web.connect() as connection:
        for part in parts:
            connection.sendall(part)
        return read_response(connection)[:12]


REJECTED = b"HTTP/1.1 403"
# Like a slow database: fifty inserts take longer than WRITE_TIMEOUT_SECONDS.
SLOW_DOWN_INSERTS = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN PERFORM pg_sleep(0.045); RETURN NEW; END';
CREATE TRIGGER slow BEFORE INSERT ON rejected FOR EACH ROW EXECUTE FUNCTION slow();
"""
UNDO_SLOW_DOWN = "DROP FUNCTION slow CASCADE"


def test_only_complete_bodies_are_stored(web: WebServer, web_engine: Engine) -> None:
    """A complete body, chunked or not, is stored; a truncated, too long or broken one is not."""
    host = f"127.0.0.1:{web.port}"
    whole, chunked, truncated, too_long, broken = (
        forged(number, size=50_000) for number in range(5)
    )
    chunks = "Transfer-Encoding: chunked"
    assert _send(web, forged_head(whole, host=host), whole) == REJECTED
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(chunked), chunked)
    assert _send(web, forged_head(chunked, host=host, length=chunks), framed) == REJECTED
    assert (
        _send(web, forged_head(too_long, host=host, length="Content-Length: 9999999")) == REJECTED
    )
    assert (
        _send(web, forged_head(broken, host=host, length=chunks), b"%x\r\nno" % len(broken))
        == REJECTED
    )
    assert _send(web, forged_head(truncated, host=host), truncated[:-1]) == REJECTED
    assert _stored_bodies(web_engine) == {whole, chunked}


def test_burst_is_stored_by_a_slow_database(web: WebServer, web_engine: Engine) -> None:
    """All requests of a burst are stored, although together they exceed the time of one write."""
    with web_engine.connect() as connection:
        connection.execute(text(SLOW_DOWN_INSERTS))
    bodies = [forged(number) for number in range(50)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        responses = pool.map(
            lambda body: _send(web, forged_head(body, host="localhost"), body), bodies
        )
        assert set(responses) == {REJECTED}
    assert _stored_bodies(web_engine) == set(bodies)
    with web_engine.connect() as connection:
        connection.execute(text(UNDO_SLOW_DOWN))


def test_slow_bodies_delay_no_other_request(web: WebServer, web_engine: Engine) -> None:
    """A hundred incomplete bodies delay neither signed callbacks nor another rejected one."""
    with ExitStack() as stack:
        slow = [stack.enter_context(web.connect()) for _ in range(100)]
        for number, connection in enumerate(slow):
            body = forged(number, size=50_000)
            connection.sendall(forged_head(body, host="localhost") + body[:20_000])
        assert web.call(callback(1)).status_code == 204
        other = forged(1000)
        assert _send(web, forged_head(other, host="localhost"), other) == REJECTED
        assert {read_response(connection)[:12] for connection in slow} == {REJECTED}
    assert _stored_bodies(web_engine) == {other}


def test_frozen_postgres_does_not_change_the_response(own_postgres: Server, tmp_path: Path) -> None:
    """A rejected request gets its 403 while Postgres is frozen, and isn't retried."""
    engine = make_engine(own_postgres.url(), pool_size=1)
    migrate(engine, report=lambda _: None)
    engine.dispose()
    with web_server(own_postgres.url(), tmp_path / "log", {"rejected_read_seconds": 1.0}) as web:
        first, second = forged(1), forged(2)
        assert _send(web, forged_head(first, host="localhost"), first) == REJECTED
        with frozen(own_postgres):
            assert _send(web, forged_head(second, host="localhost"), second) == REJECTED
        assert web.call(callback(1)).status_code == 204
    assert "a rejected request was not stored" in web.log.read_text()
