"""Tests of numbers with their nouns."""

import pytest

from receiver.runtime.plural import pluralize


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 files"), (1, "1 file"), (2, "2 files"), (12_345, "12,345 files")],
)
def test_number_with_its_noun(number: int, expected: str) -> None:
    """Only one thing is named in the singular."""
    assert pluralize(number, "file") == expected


def test_irregular_plural() -> None:
    """The plural can be given."""
    assert pluralize(2, "address", "addresses") == "2 addresses"
