"""The options that tell which callbacks of the ledger are meant."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_args

import click

from receiver.store.event import Outcome, Reason
from receiver.store.ledger.find import LedgerFilter

_OPTIONS = (
    click.option("--outcome", type=click.Choice([str(outcome) for outcome in Outcome])),
    click.option("--reason", type=click.Choice(get_args(Reason))),
    click.option(
        "--since", type=click.DateTime(), help="Received at or after this moment, in UTC."
    ),
    click.option("--job", help="The id of the job that they name."),
)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command the options, and as `wanted` the filter that they make."""

    @functools.wraps(command)
    def wrapper(
        *,
        outcome: str | None,
        reason: str | None,
        since: datetime | None,
        job: str | None,
        **rest: Any,
    ) -> None:
        moment = since and since.replace(tzinfo=UTC)
        command(wanted=LedgerFilter(outcome=outcome, reason=reason, since=moment, job=job), **rest)

    return functools.reduce(lambda decorated, option: option(decorated), _OPTIONS[::-1], wrapper)
