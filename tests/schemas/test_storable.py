"""Composite values: kept whole, and looked at no further than it takes to refuse them."""

import pytest
from marshmallow import ValidationError

from schemas.storable import Composite

FIELD = Composite(dict)


@pytest.mark.parametrize(
    "elements",
    [[[]] * 700_000, ["x" * 70_000], [["x" * 1000] * 1000] * 1000],
    ids=["many", "long", "both"],
)
def test_what_is_too_large_is_not_looked_through(elements: list[object]) -> None:
    """The text at its far end, which would be refused for another reason, isn't reached."""
    with pytest.raises(ValidationError, match="Larger than 65536"):
        FIELD.deserialize({"a": ["\x00", elements]})


def test_what_is_nested_too_deep_is_refused() -> None:
    """Postgres and whoever reads it have their limits."""
    nested: list[object] = []
    for _ in range(33):
        nested = [nested]
    with pytest.raises(ValidationError, match="Nested deeper than 32 levels"):
        FIELD.deserialize({"a": nested})


def test_what_fits_is_kept_as_it_is() -> None:
    """Unknown members, empty values and numbers alike."""
    value = {"a": [1, None, True, 1.5, {"b": "c" * 60_000}], "": {}}
    assert FIELD.deserialize(value) == value
