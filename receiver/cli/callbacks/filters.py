"""The options that select callbacks of the ledger."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_args

import click

from receiver.store.event import Outcome, Reason
from receiver.store.ledger.find import LedgerFilter

_OPTIONS = (
    click.option(
        "--outcome",
        type=click.Choice([str(outcome) for outcome in Outcome]),
        help="Select callbacks with this outcome.",
    ),
    click.option(
        "--reason",
        type=click.Choice(get_args(Reason)),
        help="Select callbacks that were quarantined for this reason.",
    ),
    click.option(
        "--since",
        type=click.DateTime(),
        help="Select callbacks received at or after this UTC time.",
    ),
    click.option("--job", help="Select callbacks for the job with this id."),
)


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to the command, which gets their LedgerFilter as `ledger_filter`."""

    @functools.wraps(command)
    def wrapper(
        *,
        outcome: str | None,
        reason: str | None,
        since: datetime | None,
        job: str | None,
        **other_options: Any,
    ) -> None:
        since_utc = since and since.replace(tzinfo=UTC)
        ledger_filter = LedgerFilter(outcome=outcome, reason=reason, since=since_utc, job=job)
        command(ledger_filter=ledger_filter, **other_options)

    # Decorators apply from the last to the first: reversed, the help lists them in this order.
    return functools.reduce(lambda decorated, option: option(decorated), _OPTIONS[::-1], wrapper)
