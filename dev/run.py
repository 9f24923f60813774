"""`make run`: the whole service on this machine, with a Postgres and a Twilio of its own."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn

import requests

from dev import demo, postgres, service, show
from dev.credentials import ACCOUNT_SID, AUTH_TOKEN
from dev.dotenv import setting
from dev.loopback import refuse_remote
from dev.port import free_port
from dev.process import Child

_DATA = Path(".local/postgres")
_STOP_WITHIN = 20.0  # seconds; more than gunicorn's graceful_timeout
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Serve until a signal comes, then stop gunicorn first and Postgres last."""
    started = _surroundings()
    for number in _SIGNALS:
        signal.signal(number, _unwind)
    port = free_port()
    with ExitStack() as stack:
        url, data = _database(stack, setting("DEV_DATABASE_URL"))
        env = service.environment(url, port)
        service.migrate(env)
        twilio = _started(stack, service.simulate, env)
        web = _started(stack, service.serve, env)
        _show(env, twilio, web, data)
        reconciler = _started(stack, service.reconcile, env)
        _stay((web, twilio, reconciler), started=started)


def _started(
    stack: ExitStack, start: Callable[[Mapping[str, str]], Child], env: Mapping[str, str]
) -> Child:
    """Start a child that is stopped in the end.

    A signal that comes while it is being started waits: nobody would stop the child.
    """
    came: list[int] = []
    for number in _SIGNALS:
        signal.signal(number, lambda number, _: came.append(number))
    child = start(env)
    stack.callback(child.stop, patience=_STOP_WITHIN)
    for number in _SIGNALS:
        signal.signal(number, _unwind)
    if came:
        _unwind(came[0], None)

    return child


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


def _show(env: Mapping[str, str], twilio: Child, web: Child, data: str) -> None:
    """Let jobs live once all is ready, and print what became of them and how to go on."""
    origin, jobs = env["PUBLIC_URL"], f"{env['TWILIO_BASE_URL']}/v3/Transcriptions"
    service.wait_until_ready(twilio, jobs, auth=(ACCOUNT_SID, AUTH_TOKEN))
    service.wait_until_ready(web, f"{origin}/readyz")
    if web.process.poll() is not None or twilio.process.poll() is not None:
        return
    try:
        print("\nA job's life, and that of another whose callback is lost:\n", flush=True)
        job_id = demo.live(origin, env)
        stored = show.stored(origin, job_id)
    except (requests.RequestException, TimeoutError) as error:
        sys.exit(f"Error: a job's life was cut short: {error}")
    print(f"\n{stored}\n{show.guide(env, job_id, data)}", flush=True)


def _stay(children: Sequence[Child], *, started: tuple[int, bool]) -> NoReturn:
    """Wait for the end of any child and exit as it did; exit too when make or the terminal is gone.

    Make passes TERM on and no other signal: killed or hung up alone, it doesn't tell us.
    """
    while not (ended := [child for child in children if child.process.poll() is not None]):
        if _surroundings() != started:
            with suppress(OSError):  # the terminal may be what is gone
                os.write(sys.stderr.fileno(), b"make or its terminal is gone, so this ends too.\n")
            sys.exit(0)
        time.sleep(0.2)
    code = ended[0].process.wait()
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
