"""The commands `push resume`, `push rewind` and `push skip`."""

import click
from flask.cli import with_appcontext

from receiver.changes.cursor import CursorError
from receiver.changes.feed import FeedUnavailableError
from receiver.cli.confirm import confirm
from receiver.cli.errors import report_database_errors
from receiver.cli.output import CommandError, echo
from receiver.cli.push.pushers import configured_endpoints
from receiver.push.next_changes import read_next
from receiver.services import services
from receiver.store.push.endpoints import find_endpoint
from receiver.store.push.operator import resume, rewind, skip

_name_argument = click.argument("name")
_REFUSAL = "nothing was changed."


@click.command("resume")
@_name_argument
@with_appcontext
@report_database_errors
def resume_command(*, name: str) -> None:
    """Send to the endpoint with this NAME at once, also after it answered 410.

    The process `push --forever` does it within a second.
    """
    _require_configured(name)
    with services().engine.connect() as connection:
        _require_started(name, is_started=resume(connection, name))
    echo(f"{name} is resumed: `flask --app app push list` shows what happens.", err=True)


@click.command("rewind")
@_name_argument
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@with_appcontext
@report_database_errors
def rewind_command(*, name: str, yes: bool) -> None:
    """Send all jobs to the endpoint with this NAME again, from the beginning."""
    _require_configured(name)
    if not yes:
        confirm(f"Send all jobs to {name} again?", refusal=_REFUSAL)
    with services().engine.connect() as connection:
        _require_started(name, is_started=rewind(connection, name))
    echo(f"{name} gets all jobs again.", err=True)


@click.command("skip")
@_name_argument
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@with_appcontext
@report_database_errors
def skip_command(*, name: str, yes: bool) -> None:
    """Skip the change that the endpoint with this NAME doesn't accept.

    The endpoint never gets this state of the job. If the job changes again, the endpoint gets its
    new state.
    """
    _require_configured(name)
    with services().engine.connect() as connection:
        state = find_endpoint(connection, name)
        if state is None or not state.failures:
            raise CommandError(f"{name} doesn't fail, so there is nothing to skip.")
        try:
            changes = read_next(connection, state.cursor).changes
        except (FeedUnavailableError, CursorError) as error:
            raise CommandError(f"nothing is skipped: {error}") from error
        job_id = state.failing_job_id
        if not changes or changes[0].job["id"] != job_id:
            raise CommandError(
                f"the job {job_id}, which failed, has changed since: it is sent after others that "
                f"wait. Run `flask --app app push resume {name}`."
            )
        if not yes:
            question = f"Skip the job {job_id}? The last error was: {state.last_error}."
            confirm(question, refusal=_REFUSAL)
        is_skipped = skip(connection, name, cursor=state.cursor, following=changes[0].cursor)
    if not is_skipped:
        raise CommandError(f"{name} has gone on in the meantime, so nothing is skipped.")
    echo(f"{name} doesn't get the job {job_id}, unless the job changes again.", err=True)


def _require_configured(name: str) -> None:
    names = [endpoint.name for endpoint in configured_endpoints()]
    if name not in names:
        raise CommandError(f"there is no endpoint {name}. PUSH_ENDPOINTS has: {', '.join(names)}.")


def _require_started(name: str, *, is_started: bool) -> None:
    if not is_started:
        raise CommandError(
            f"nothing was ever sent to {name}: run `flask --app app push --forever` first."
        )
