"""Parses settings that are comma-separated lists.

Blanks around an item and empty items are ignored. An error names the item by its position and never
quotes it: it may be a secret in the wrong place.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from marshmallow import ValidationError

Item = TypeVar("Item")


def parse_items(text: str, parse: Callable[[int, str], Item]) -> tuple[Item, ...]:
    """Return what `parse` makes of each position, from 1, and item.

    Raises ValidationError with the errors of all items, and if there is no item.
    """
    parsed, errors = [], []
    items = [item for item in map(str.strip, text.split(",")) if item]
    for position, item in enumerate(items, 1):
        try:
            parsed.append(parse(position, item))
        except ValidationError as error:
            errors += [f"item {position} {message}" for message in error.messages]
    raise_if_any(errors if items else ["contains only commas; write at least one item"])

    return tuple(parsed)


def repeats(values: Iterable[object], description: str) -> list[str]:
    """Return an error for each value that an earlier item has too."""
    listed = list(values)

    return [
        f"item {position} repeats {description}"
        for position, value in enumerate(listed, 1)
        if value in listed[: position - 1]
    ]


def raise_if_any(errors: list[str]) -> None:
    """Raise ValidationError with these errors, if there are any."""
    if errors:
        raise ValidationError(errors)
