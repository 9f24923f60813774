"""Tests of composite values: they are stored unchanged, and checked no further than needed."""

import pytest
from marshmallow import ValidationError

from schemas.storable import Composite

FIELD = Composite(dict)


@pytest.mark.parametrize(
    "elements",
    [[[]] * 700_000, ["x" * 70_000], [["x" * 1000] * 1000] * 1000],
    ids=["many", "long", "both"],
)
def test_too_large_value_is_not_searched_further(elements: list[object]) -> None:
    """The check of a too large value ends before the invalid text at its far end."""
    with pytest.raises(ValidationError, match="Larger than 65536"):
        FIELD.deserialize({"a": ["\x00", elements]})


def test_too_deeply_nested_value_is_invalid() -> None:
    """A value that is nested deeper than 32 levels is invalid."""
    nested: list[object] = []
    for _ in range(33):
        nested = [nested]
    with pytest.raises(ValidationError, match="Nested deeper than 32 levels"):
        FIELD.deserialize({"a": nested})


def test_valid_value_is_unchanged() -> None:
    """A valid value stays as it is, with unknown members, empty values and numbers."""
    value = {"a": [1, None, True, 1.5, {"b": "c" * 60_000}], "": {}}
    assert FIELD.deserialize(value) == value
