"""Tests of commands whose database or Twilio falls silent: each ends, and says why."""

import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from werkzeug.wrappers import Request, Response

from dev.process import Child
from receiver.store.ledger.record import record
from tests.faults.conftest import run_deployment
from tests.support.command_process import command_process
from tests.support.environment import ENVIRON, open_engine
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import LONG_ONLY
from tests.support.faults.proxy import Proxy, proxy
from tests.support.faults.restartable import FAST
from tests.support.postgres import frozen
from tests.support.samples import ACCOUNT
from tests.support.scripted import Scripted, answer, scripted
from tests.support.store_events import make_event
from tests.support.waiting import wait_until

# No limit of a command is near this, and no test waits this long if the command ends.
MAX_SECONDS = 60
NO_JOBS = {"meta": {"key": "transcriptions"}, "transcriptions": []}


@pytest.fixture(scope="module")
def shared_postgres(
    postgres_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Yield a deployment whose database is silent for a while in each test."""
    with run_deployment(postgres_folder, tmp_path_factory.mktemp("silent")) as shared:
        yield shared


@pytest.fixture
def deployment(shared_postgres: Deployment) -> Deployment:
    """Return a deployment with a new database, whose port a test may change."""
    return shared_postgres.with_database(f"silent_{uuid.uuid4().hex}")


def _environ(deployment: Deployment, **settings: str) -> dict[str, str]:
    return {**ENVIRON, "DATABASE_URL": deployment.service_url, **settings}


@contextmanager
def _reconciler(deployment: Deployment, twilio: Scripted, log: Path) -> Iterator[Child]:
    settings = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_BASE_URL": twilio.url}
    with command_process(_environ(deployment, **settings), log, "reconcile", "--forever") as child:
        yield child


@contextmanager
def _waiting_reconciler(
    deployment: Deployment, folder: Path
) -> Iterator[tuple[Child, Proxy, Path, Scripted]]:
    """Yield a reconciler that waits for its database, their proxy, its log, and its Twilio."""
    log = folder / "reconcile.log"
    with proxy(deployment.port) as between, scripted() as twilio:
        deployment.use_port(between.port)

        def fall_silent(_request: Request) -> Response:
            # The next thing that the reconciler does is to store this page.
            between.block()
            return answer(NO_JOBS)

        twilio.answers(fall_silent, answer(NO_JOBS))
        with _reconciler(deployment, twilio, log) as child:
            wait_until(lambda: bool(twilio.asked))
            yield child, between, log, twilio


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=LONG_ONLY)],
    ids=lambda each: each.name,
)
def test_signal_ends_a_reconciler_that_waits_for_the_database(
    deployment: Deployment, tmp_path: Path, number: signal.Signals
) -> None:
    """`reconcile --forever` obeys SIGTERM and Ctrl-C while its database is silent."""
    with _waiting_reconciler(deployment, tmp_path) as (child, _, log, _):
        child.process.send_signal(number)
        assert child.process.wait(MAX_SECONDS) == 0
    assert b"ended while waiting" in log.read_bytes()


@LONG_ONLY
def test_signal_ends_a_reconciler_that_waits_for_twilio(
    deployment: Deployment, tmp_path: Path
) -> None:
    """`reconcile --forever` obeys SIGTERM while Twilio is silent."""
    released = threading.Event()
    with scripted() as twilio:

        def stay_silent(_request: Request) -> Response:
            released.wait()
            return answer(NO_JOBS)

        twilio.answers(stay_silent)
        with _reconciler(deployment, twilio, tmp_path / "log") as child:
            wait_until(lambda: bool(twilio.asked))
            child.process.send_signal(signal.SIGTERM)
            assert child.process.wait(MAX_SECONDS) == 0
        released.set()


@LONG_ONLY
def test_reconciler_continues_after_a_silent_database(
    deployment: Deployment, tmp_path: Path
) -> None:
    """`reconcile --forever` logs that its database is silent, and polls when it is back."""
    with open_engine(deployment.database) as engine:
        record(engine, make_event({"status": "PENDING"}))
    with _waiting_reconciler(deployment, tmp_path) as (_, between, log, twilio):
        wait_until(lambda: b"no answer within 20" in log.read_bytes())
        between.resume_traffic()
        _wait_for_next_pass(lambda: len(twilio.asked) > 1)


def test_commands_on_a_frozen_postgres_fail(deployment: Deployment, tmp_path: Path) -> None:
    """A command ends with an error if Postgres is frozen."""
    commands = [("callbacks", "list"), ("migrate",), ("completeness",), ("rebuild",)]
    logs = [tmp_path / command[0] for command in commands]
    with frozen(deployment.postgres.server), ExitStack() as stack:
        children = [
            stack.enter_context(command_process(_environ(deployment), log, *command))
            for log, command in zip(logs, commands, strict=True)
        ]
        assert [child.process.wait(MAX_SECONDS) for child in children] == [1] * len(commands)
    for log in logs:
        assert b"the database failed" in log.read_bytes()


def test_ctrl_c_ends_a_command_that_waits_for_the_database(
    deployment: Deployment, tmp_path: Path
) -> None:
    """Ctrl-C ends a command whose database has fallen silent during a statement."""
    log = tmp_path / "log"
    with proxy(deployment.port) as between, psycopg.connect(deployment.database) as holder:
        deployment.use_port(between.port)
        holder.execute("LOCK TABLE events")
        with command_process(_environ(deployment), log, "callbacks", "list") as child:
            wait_until(lambda: _waits_for_lock(deployment))
            between.block()
            child.process.send_signal(signal.SIGINT)
            assert child.process.wait(MAX_SECONDS) == 1
    assert b"Aborted!" in log.read_bytes()


@LONG_ONLY
def test_migration_whose_database_falls_silent_fails(
    deployment: Deployment, tmp_path: Path
) -> None:
    """A migration that waits for a lock ends with an error if its connection falls silent."""
    log = tmp_path / "log"
    with proxy(deployment.port) as between, psycopg.connect(deployment.database) as holder:
        deployment.use_port(between.port)
        holder.execute("LOCK TABLE alembic_version")
        with command_process(_environ(deployment), log, "migrate") as child:
            wait_until(lambda: _waits_for_lock(deployment))
            between.block()
            assert child.process.wait(MAX_SECONDS) == 1
    assert b"no answer within " in log.read_bytes()


def _waits_for_lock(deployment: Deployment) -> bool:
    with psycopg.connect(deployment.database) as connection:
        row = connection.execute(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ).fetchone()

    return row == (True,)


@LONG_ONLY
def test_reconciler_outlives_its_database(postgres_folder: Path, tmp_path: Path) -> None:
    """`reconcile --forever` starts with an older schema, and survives a restart of Postgres."""
    log = tmp_path / "log"
    with run_deployment(postgres_folder, tmp_path) as deployment, scripted() as twilio:
        _rename(deployment, "passes", "passes_to_come")
        twilio.answers(answer(NO_JOBS))
        with _reconciler(deployment, twilio, log) as child:
            wait_until(lambda: b"did not answer" in log.read_bytes())
            deployment.postgres.stop(FAST)
            deployment.postgres.start()
            _rename(deployment, "passes_to_come", "passes")
            _wait_for_next_pass(lambda: bool(twilio.asked))
            child.process.send_signal(signal.SIGTERM)
            assert child.process.wait(MAX_SECONDS) == 0


def _rename(deployment: Deployment, old: str, new: str) -> None:
    statement = sql.SQL("ALTER TABLE {} RENAME TO {}")
    with deployment.connect() as connection:
        connection.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))


def _wait_for_next_pass(condition: Callable[[], bool]) -> None:
    """Wait for 60 s: a pass begins 30 s after a failed one, which may still be ending."""
    with suppress(AssertionError):
        wait_until(condition)
    wait_until(condition)
