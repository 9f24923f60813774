"""How answers are written."""

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from twilio.base import deserialize

from schemas.listing import Meta
from schemas.outbound import Outbound, Timestamp

_zones = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))


class _Moment(Outbound):
    at = Timestamp(required=True)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=_zones))  # noqa: DTZ001 - Hypothesis adds the zone
def test_a_time_is_what_the_sdk_reads(moment: datetime) -> None:
    """The SDK makes the same time of it, but for the fraction, whatever the zone and the year."""
    text = _Moment().dump({"at": moment})["at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
    assert deserialize.iso8601_datetime(text) == moment.astimezone(UTC).replace(microsecond=0)


def test_no_time_is_null() -> None:
    """A time that is unknown is a null."""
    assert _Moment().dump({"at": None}) == {"at": None}


def test_optional_members_are_left_out_while_unknown() -> None:
    """The last page has no `nextToken` at all: Twilio describes it as absent, not as null."""
    meta = {"key": "k", "page_size": 1, "next_token": None, "previous_token": "x"}
    assert Meta().dump(meta) == {"key": "k", "pageSize": 1, "previousToken": "x"}
