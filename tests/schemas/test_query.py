"""What a query may say, told apart from any request."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from marshmallow import ValidationError

from schemas.parameters import DateTimeParameter
from schemas.query import PagedQuery, TranscriptionsQuery
from schemas.token import TranscriptionsToken

QUERY = TranscriptionsQuery()

_zones = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))


def _faults(pairs: list[tuple[str, str]]) -> set[str]:
    with pytest.raises(ValidationError) as caught:
        QUERY.read(pairs)

    return set(caught.value.messages_dict)


def test_nothing_asked_is_nothing_loaded() -> None:
    """Absent parameters have no value, so that a token's can take their place."""
    assert QUERY.read([]) == {}


def test_values_come_in_the_names_of_the_store() -> None:
    """Twilio's spelling stays outside."""
    pairs = [("languageCode", "en-US"), ("hasTranscript", "True"), ("PageSize", "7")]
    expected = {"language": "en-US", "has_transcript": True, "page_size": 7}
    assert QUERY.read(pairs) == expected
    assert {QUERY.parameter(name) for name in expected} == {
        *("languageCode", "hasTranscript", "pageSize")
    }


@pytest.mark.parametrize(
    "pairs",
    [
        [("pageSize", "1"), ("pageSize", "1")],
        [("PageSize", "1"), ("PageSize", "1")],
        [("pageSize", "1"), ("PageSize", "2")],
    ],
)
def test_a_parameter_stands_there_once(pairs: list[tuple[str, str]]) -> None:
    """Twice is a fault, and so are two spellings that disagree."""
    assert _faults(pairs) == {"pageSize"}


def test_two_spellings_may_agree() -> None:
    """The SDK sends its token in both."""
    pairs = [("pageToken", "x"), ("PageToken", "x")]
    assert QUERY.read(pairs) == {"page_token": "x"}


def test_all_faults_are_told_at_once() -> None:
    """One answer is enough to mend a query."""
    assert _faults([("status", "?"), ("sourceId", "?"), ("pageSize", "?"), ("x", "?")]) == {
        *("status", "sourceId", "pageSize")
    }


@given(st.text())
@example("1" * 5000)
@example("\u0661")
def test_a_page_size_is_within_its_bounds_or_a_fault(text: str) -> None:
    """No text gives another size than 1 to 100."""
    try:
        size = PagedQuery().read([("pageSize", text)])["page_size"]
    except ValidationError:
        assert not text.isascii() or not text.isdigit() or set(text) == {"0"} or not text
    else:
        assert 1 <= size <= 100
        assert size == 100 or size == int(text)


@given(st.datetimes(timezones=_zones))
def test_a_time_survives_its_token(moment: datetime) -> None:
    """What a token says is the very instant that the query said, to the microsecond, in UTC."""
    field = DateTimeParameter()
    try:
        loaded = field.deserialize(moment.isoformat())
    except ValidationError:
        # Only where UTC has no such year.
        assert moment.year in {1, 9999}
    else:
        assert loaded == moment
        assert field.deserialize(loaded.isoformat()) == loaded
        assert loaded.tzinfo is UTC


@given(st.text())
def test_every_filter_survives_its_token(text: str) -> None:
    """Whatever a query may say, its token says too."""
    try:
        filters = QUERY.read([("languageCode", text), ("conversationId", text)])
    except ValidationError:
        return
    token = TranscriptionsToken().dump(
        {
            "version": 1,
            "collection": "",
            "backward": False,
            "at": datetime.now(UTC),
            "id": "job",
            "size": 1,
            "filters": filters,
        }
    )
    assert TranscriptionsToken().load(token)["filters"] == filters
