"""The command `push list`."""

import click
from flask.cli import with_appcontext
from sqlalchemy import Connection

from receiver.changes.feed import FeedUnavailableError
from receiver.cli.errors import report_database_errors
from receiver.cli.output import echo
from receiver.cli.push.pushers import configured_endpoints
from receiver.doctor.push import describe_endpoint
from receiver.push.next_changes import count_waiting
from receiver.services import services
from receiver.store.push.endpoints import EndpointState, list_endpoints

# An exact count of a long backlog would read the whole index.
MAX_COUNT = 1_000


@click.command("list")
@with_appcontext
@report_database_errors
def list_command() -> None:
    """List the endpoints, one per line: the name, whether it has everything, and what waits."""
    names = [endpoint.name for endpoint in configured_endpoints()]
    with services().engine.connect() as connection:
        states = {state.name: state for state in list_endpoints(connection)}
        for name in names:
            state = states.get(name)
            waiting = _describe_waiting(connection, state) if state else ""
            echo(f"{name:<16}  {describe_endpoint(state)}{waiting}")


def _describe_waiting(connection: Connection, state: EndpointState) -> str:
    """Return how many changes wait, nothing if none does."""
    try:
        count = count_waiting(connection, state.cursor, limit=MAX_COUNT + 1)
    except FeedUnavailableError as error:
        return f"; what waits isn't known: {error}"
    match count:
        case 0:
            return ""
        case 1:
            return "; 1 change waits"
        case _ if count > MAX_COUNT:
            return f"; more than {MAX_COUNT:,} changes wait"
        case _:
            return f"; {count:,} changes wait"
