"""The command `push`, which sends, and the commands `push …` for what it can't send."""

import json
import logging.config
import threading
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from receiver.cli.errors import report_database_errors
from receiver.cli.output import echo
from receiver.cli.push.endpoints import resume_command, rewind_command, skip_command
from receiver.cli.push.listing import list_command
from receiver.cli.push.pushers import open_pushers
from receiver.cli.stop_signal import StopSignal
from receiver.push.run import push_forever, push_once
from receiver.runtime import lossy_output
from receiver.runtime.logs import log_config
from receiver.services import services

# An attempt that has begun ends within 20 seconds. Heroku kills a process 30 s after SIGTERM.
_GRACE_SECONDS = 25.0


@click.group("push", invoke_without_command=True)
@click.option("--forever", is_flag=True, help="Keep running until SIGTERM, and send each change.")
@click.pass_context
@with_appcontext
@report_database_errors
def group(context: click.Context, *, forever: bool) -> None:
    """Send changes of jobs to the endpoints of PUSH_ENDPOINTS.

    Without a command, send what is due to each endpoint, and print the result as JSON: for each
    endpoint how many changes were delivered, and the error if it doesn't have everything. Exit with
    1 if there is an error.

    Messages about single changes are logged as JSON lines on standard error.
    """
    if context.invoked_subcommand:
        return
    if forever:  # a log that nobody reads must not keep the process from ending
        lossy_output.install()
    logging.config.dictConfig(log_config(services().settings.log_level))
    if forever:
        _run_forever()
    else:
        _run_once()


for command in (list_command, resume_command, rewind_command, skip_command):
    group.add_command(command)


def _run_once() -> None:
    stopping = threading.Event()
    with open_pushers(is_stopping=stopping.is_set) as pushers:
        report = push_once(pushers, stop=stopping.set)
    echo(json.dumps({name: asdict(pushed) for name, pushed in report.items()}))
    if any(pushed.error for pushed in report.values()):
        raise SystemExit(1)


def _run_forever() -> None:
    """Send until SIGTERM or SIGINT; the process ends between two attempts."""
    stop = StopSignal(grace_seconds=_GRACE_SECONDS)
    stop.install()
    with open_pushers(is_stopping=stop.is_received) as pushers:
        push_forever(pushers, is_stopping=stop.is_received, sleep=stop.sleep)
