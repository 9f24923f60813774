"""`make run`: the whole service on this machine, from a Postgres of its own to a stored job."""

import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import requests

from dev import postgres, sample, service, show
from dev.loopback import refuse_remote
from dev.port import free_port
from dev.process import Child

_DATA = Path(".local/postgres")
_STOP_WITHIN = 20.0  # seconds; more than gunicorn's graceful_timeout
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Serve until a signal comes, then stop gunicorn first and Postgres second."""
    started = _surroundings()
    for number in _SIGNALS:
        signal.signal(number, _unwind)
    port = free_port()
    with ExitStack() as stack:
        url, data = _database(stack, os.environ.get("DEV_DATABASE_URL", ""))
        environment = service.environment(url, port)
        service.migrate(environment)
        web = service.serve(environment)
        stack.callback(web.stop, patience=_STOP_WITHIN)
        _show(web, f"http://127.0.0.1:{port}", data)
        _stay(web, started=started)


def _unwind(_number: int, _frame: object) -> NoReturn:
    """End, once: the stopping itself takes bounded time and is not interrupted again."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def _database(stack: ExitStack, given: str) -> tuple[str, str]:
    """Return the URL of the database, embedded unless one is given, and where its data lie."""
    if given:
        refuse_remote(given)
        return given, "the database of DEV_DATABASE_URL"
    try:
        server = stack.enter_context(postgres.start(_DATA))
    except (RuntimeError, LookupError, OSError) as error:
        sys.exit(f"Error: {error}")
    here = Path.cwd()
    folder = server.folder
    inside = folder.is_relative_to(here)

    return server.url(), str(folder.relative_to(here) if inside else folder)


def _show(web: Child, origin: str, data: str) -> None:
    """Deliver a callback once the service is ready, and print what became of it."""
    service.wait_until_ready(web, origin)
    if web.process.poll() is not None:
        return
    try:
        job_id = sample.deliver(origin)
        stored = show.stored(origin, job_id)
    except requests.RequestException as error:
        sys.exit(f"Error: the sample callback didn't come back as a job: {error}")
    print(f"\n{stored}\n{show.guide(origin, job_id, data)}", flush=True)


def _stay(web: Child, *, started: tuple[int, bool]) -> NoReturn:
    """Wait for the server's end and exit as it did; exit too when make or the terminal is gone.

    Make passes TERM on and no other signal: killed or hung up alone, it doesn't tell us.
    """
    while web.process.poll() is None:
        if _surroundings() != started:
            sys.exit(0)
        time.sleep(0.2)
    code = web.process.wait()
    sys.exit(code if code is None or code >= 0 else 128 - code)


def _surroundings() -> tuple[int, bool]:
    """Return our parent and whether we have a terminal."""
    try:
        os.close(os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return os.getppid(), False

    return os.getppid(), True


if __name__ == "__main__":
    main()
