"""Tests of the fields of responses."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, fields
from twilio.base import deserialize

from schemas.listing import Meta
from schemas.outbound import Outbound, Timestamp
from schemas.transcription import Links, Operation, Transcription, TranscriptState

_time_zones = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
_times = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=_time_zones)  # noqa: DTZ001 - Hypothesis adds the zone

_VALUES: dict[type[fields.Field[Any]], st.SearchStrategy[Any]] = {
    Timestamp: _times,
    fields.Integer: st.integers() | st.just("7"),
    fields.Boolean: st.booleans(),
    fields.Dict: st.just({}),
    fields.Nested: st.just({}),
    fields.List: st.just([]),
}


class _Response(Outbound):
    at = Timestamp(required=True)


@given(_times)
def test_sdk_reads_the_same_time(moment: datetime) -> None:
    """Twilio's SDK reads the same time, to the second, in any time zone and year."""
    text = _Response().dump({"at": moment})["at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
    assert deserialize.iso8601_datetime(text) == moment.astimezone(UTC).replace(microsecond=0)


def test_unknown_time_is_null() -> None:
    """An unknown time is null."""
    assert _Response().dump({"at": None}) == {"at": None}


def test_unknown_optional_members_are_absent() -> None:
    """Unknown optional members are absent, not null: the last page has no `nextToken`."""
    meta = {"key": "k", "page_size": 1, "next_token": None, "previous_token": "x"}
    assert Meta().dump(meta) == {"key": "k", "pageSize": 1, "previousToken": "x"}


@pytest.mark.parametrize("schema", [Operation(), Transcription(), TranscriptState(), Links()])
@given(st.data())
def test_response_is_that_of_marshmallow(schema: Outbound, data: st.DataObject) -> None:
    """A response is what marshmallow makes of the same values, without optional ones of null."""
    values = {
        name: st.none() | _VALUES.get(type(field), st.text() | st.integers())
        for name, field in schema.dump_fields.items()
    }
    row = data.draw(st.fixed_dictionaries({}, optional=values))
    given = {
        name: value
        for name, value in row.items()
        if value is not None or schema.fields[name].required
    }
    assert schema.dump(row) == Schema.dump(schema, given)
    assert schema.dump([row], many=True) == Schema.dump(schema, [given], many=True)
