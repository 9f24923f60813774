"""Rejected requests that the operator names by ID."""

from collections.abc import Iterable, Sequence

import click

ids_argument = click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1), metavar="[ID]...")


def refuse_unknown(ids: Sequence[int], found: Iterable[int]) -> None:
    """Raise click.ClickException if one of the ids isn't among those that were found."""
    unknown = sorted(set(ids) - set(found))
    if unknown:
        raise click.ClickException(
            f"there is no rejected request {', '.join(map(str, unknown))}: "
            "accepted already, or evicted."
        )
