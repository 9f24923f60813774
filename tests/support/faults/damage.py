"""Attacks that aren't clients of the service: on its database, its log and its neighbors."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.support.environment import ENVIRON
from tests.support.faults.attack import Effect, clients
from tests.support.faults.callbacks import callback
from tests.support.faults.deployment import TEST_NAME, Deployment
from tests.support.full_pipe import fill_pipe
from tests.support.paths import ROOT
from tests.support.server import WebServer

LOCKED_COUNT = 60
_SAMPLE_SECONDS = 0.1


@contextmanager
def locked_jobs(deployment: Deployment, web: WebServer) -> Iterator[Effect]:
    """Hold locks on the rows of jobs, while callbacks of these jobs arrive."""
    jobs = [f"voice_transcription_locked_{number}" for number in range(LOCKED_COUNT)]
    for number, job in enumerate(jobs):
        assert web.call(callback(700_000_000 + number, id=job)).status_code == 204
    with deployment.connect() as connection, connection.transaction():
        connection.execute("SELECT FROM transcriptions WHERE id = ANY(%s) FOR UPDATE", [jobs])
        attack = clients("callbacks_of_jobs", LOCKED_COUNT, jobs=jobs, origin=web.url)
        with attack(web) as effect:
            yield effect


@contextmanager
def stalled_standby(deployment: Deployment, _web: WebServer) -> Iterator[Effect]:
    """Let each commit wait for a standby that doesn't answer; count the service's connections."""
    effect = Effect()
    with deployment.connect() as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'silent'")
        connection.execute("SELECT pg_reload_conf()")
        try:
            with _connections_counted(deployment) as counts:
                yield effect
        finally:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")
    effect.text = f"{max(counts)} connections"


@contextmanager
def _connections_counted(deployment: Deployment) -> Iterator[list[int]]:
    """Yield a list to which a thread appends the number of the service's connections."""
    counts = [0]
    is_finished = threading.Event()

    def count() -> None:
        with deployment.connect() as connection:
            while not is_finished.wait(_SAMPLE_SECONDS):  # the interval of the samples
                rows = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND application_name <> %s",
                    [TEST_NAME],
                )
                counts.extend(int(row[0]) for row in rows)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield counts
    finally:
        is_finished.set()
        thread.join()


@contextmanager
def unread_log(pipe: Path, _web: WebServer) -> Iterator[Effect]:
    """Let nobody read the log; its pipe is full."""
    fill_pipe(pipe)
    yield Effect()


@contextmanager
def commands(
    deployment: Deployment,
    command: str,
    prepare: Callable[[], object],
    _web: WebServer,
    *,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Effect]:
    """Run a command again and again with these settings, each time after `prepare`."""
    run_count = 0
    is_finished = threading.Event()

    def run() -> None:
        nonlocal run_count
        while not is_finished.is_set():
            prepare()
            subprocess.run(
                [Path(sys.executable).with_name("flask"), "--app", "app", *command.split()],
                cwd=ROOT,
                env=ENVIRON | {"DATABASE_URL": deployment.database} | dict(settings or {}),
                capture_output=True,
                check=True,
            )
            run_count += 1

    effect = Effect()
    with ThreadPoolExecutor(1) as executor:
        running = executor.submit(run)
        try:
            yield effect
        finally:
            is_finished.set()
        running.result()
    effect.text = f"{run_count} runs"
