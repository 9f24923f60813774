"""`make run`: runs the whole service here, with its own Postgres and a simulated Twilio."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, NoReturn

import requests

from dev import demo, postgres, service, show
from dev.credentials import ACCOUNT_SID, AUTH_TOKEN
from dev.dotenv import setting
from dev.follow import Follower
from dev.loopback import require_loopback
from dev.port import require_free_port
from dev.process import Child
from dev.shared_settings import share_settings
from receiver.spool.private import require_private_folder

_DATA = Path(".local/postgres")
_STOP_TIMEOUT_SECONDS = 20.0  # more than gunicorn's graceful_timeout
_POLL_SECONDS = 0.2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Database(NamedTuple):
    """A database, and where its data is stored."""

    url: str
    place: str


def main() -> None:
    """Run until a signal arrives. Then stop the children in reverse order: Postgres is last."""
    initial_parent = _parent_and_terminal()
    for number in _SIGNALS:
        signal.signal(number, _exit)
    port = require_free_port()
    with ExitStack() as stack:
        database = _start_database(stack, setting("DEV_DATABASE_URL"))
        env = service.environment(database.url, port, _make_spool(stack))
        service.migrate(env)
        stack.enter_context(share_settings(env))
        twilio = _start_child(stack, service.start_twilio, env)
        web = _start_child(stack, service.start_web, env)
        _run_demo(env, twilio, web, database)
        reconciler = _start_child(stack, service.start_reconciler, env)
        _wait_for_end((web, twilio, reconciler), initial_parent, Follower(env["PUBLIC_URL"]))


def _start_child(
    stack: ExitStack, start: Callable[[Mapping[str, str]], Child], env: Mapping[str, str]
) -> Child:
    """Start a child process, and let the stack stop it.

    Signals wait until the stack knows the child: otherwise nothing would stop it.
    """
    received: list[int] = []
    for number in _SIGNALS:
        signal.signal(number, lambda number, _: received.append(number))
    child = start(env)
    stack.callback(child.stop, timeout_seconds=_STOP_TIMEOUT_SECONDS)
    for number in _SIGNALS:
        signal.signal(number, _exit)
    if received:
        _exit(received[0], None)

    return child


def _exit(_number: int, _frame: object) -> NoReturn:
    """Exit, and ignore further signals: stopping the children takes a limited time."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def _start_database(stack: ExitStack, given_url: str) -> _Database:
    """Return the given or the embedded database."""
    if given_url:
        require_loopback(given_url)
        return _Database(given_url, "the database of DEV_DATABASE_URL")
    try:
        server = stack.enter_context(postgres.start(_DATA))
    except (RuntimeError, LookupError, OSError) as error:
        sys.exit(f"Error: {error}")
    here = Path.cwd()
    folder = server.folder
    is_inside = folder.is_relative_to(here)

    return _Database(server.url(), str(folder.relative_to(here) if is_inside else folder))


def _make_spool(stack: ExitStack) -> str:
    """Return a new folder, which is removed at the end; or nothing if the spool wouldn't use it.

    It isn't in the project's folder: with an umask of 002, a group may write there.
    """
    folder = stack.enter_context(TemporaryDirectory(prefix="receiver-spool-"))
    try:
        require_private_folder(Path(folder))
    except OSError:
        return ""

    return folder


def _run_demo(env: Mapping[str, str], twilio: Child, web: Child, database: _Database) -> None:
    """Wait until the service is ready, run the demo, and print what to try next."""
    origin, twilio_jobs = env["PUBLIC_URL"], f"{env['TWILIO_BASE_URL']}/v3/Transcriptions"
    service.wait_until_ready(twilio, twilio_jobs, auth=(ACCOUNT_SID, AUTH_TOKEN))
    service.wait_until_ready(web, f"{origin}/readyz")
    if web.process.poll() is not None or twilio.process.poll() is not None:
        return
    try:
        print("\nDemo: a job with a callback, and a job with a lost callback:\n", flush=True)
        job_id = demo.run_demo(origin, env)
        stored_job = show.format_stored_job(origin, job_id)
    except (requests.RequestException, TimeoutError) as error:
        sys.exit(f"Error: the demo failed: {error}")
    guide = show.format_guide(env, job_id, data=database.place)
    print(f"\n{stored_job}\n{guide}", flush=True)


def _wait_for_end(
    children: Sequence[Child], initial_parent: tuple[int, bool], follower: Follower
) -> NoReturn:
    """Wait until a child ends, and exit with its code; or until make or the terminal ends.

    Until then print the transcripts that arrive.

    Make forwards only SIGTERM. If make is killed, or loses its terminal, no signal arrives here.
    """
    while not (ended := [child for child in children if child.process.poll() is not None]):
        if _parent_and_terminal() != initial_parent:
            with suppress(OSError):  # stderr may have been the terminal
                os.write(sys.stderr.fileno(), b"make or its terminal is gone: stopping.\n")
            sys.exit(0)
        follower.poll()
        time.sleep(_POLL_SECONDS)
    code = ended[0].process.wait()
    sys.exit(code if code is None or code >= 0 else 128 - code)


def _parent_and_terminal() -> tuple[int, bool]:
    """Return the id of our parent process, and whether we have a terminal."""
    try:
        os.close(os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return os.getppid(), False

    return os.getppid(), True


if __name__ == "__main__":
    main()
