"""Tests of the fields of responses."""

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from twilio.base import deserialize

from schemas.listing import Meta
from schemas.outbound import Outbound, Timestamp

_time_zones = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))


class _Response(Outbound):
    at = Timestamp(required=True)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=_time_zones))  # noqa: DTZ001 - Hypothesis adds the zone
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
