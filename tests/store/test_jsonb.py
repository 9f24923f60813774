"""Tests of the JSON that Postgres returns."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from receiver.store.jsonb import decode_json

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_VALUES)
def test_json_is_decoded_as_by_the_standard_library(value: Any) -> None:
    """A value is what `json.loads` makes of its text, also an integer beyond 64 bits."""
    assert decode_json(json.dumps(value).encode()) == json.loads(json.dumps(value))


@pytest.mark.parametrize("type_name", ["json", "jsonb"])
def test_store_returns_decoded_json(engine: Engine, type_name: str) -> None:
    """A value of Postgres's types for JSON is read as Python's."""
    statement = text(f"""SELECT '{{"n": 18446744073709551616, "t": "é"}}'::{type_name}""")
    with engine.connect() as connection:
        assert connection.execute(statement).scalar_one() == {"n": 2**64, "t": "é"}
