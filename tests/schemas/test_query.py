"""Tests of the query's schemas, without requests."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from marshmallow import ValidationError

from schemas.parameters import DateTimeParameter
from schemas.query import PagedQuery, Query, TranscriptionsQuery
from schemas.token import TranscriptionsToken

QUERY = TranscriptionsQuery()

_time_zones = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))


def _errors(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        QUERY.read(pairs)

    return caught.value.messages_dict


def _invalid_parameters(pairs: list[tuple[str, str]]) -> set[str]:
    return set(_errors(pairs))


def test_absent_parameters_have_no_value() -> None:
    """Absent parameters have no value, so that a token's values can be used."""
    assert QUERY.read([]) == {}


def test_values_have_the_names_of_the_store() -> None:
    """The loaded values have the store's names, not Twilio's."""
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
def test_repeated_parameter_is_invalid(pairs: list[tuple[str, str]]) -> None:
    """A parameter that is repeated, or has two spellings with different values, is invalid."""
    assert _invalid_parameters(pairs) == {"pageSize"}


def test_two_spellings_of_one_value_are_valid() -> None:
    """Both spellings of a parameter are valid with the same value, as the SDK sends its token."""
    pairs = [("pageToken", "x"), ("PageToken", "x")]
    assert QUERY.read(pairs) == {"page_token": "x"}


def test_all_invalid_parameters_are_reported_together() -> None:
    """One error names all invalid parameters."""
    assert _invalid_parameters(
        [
            *[("status", "?"), ("sourceId", "?"), ("pageSize", "?"), ("x", "?")],
            *[("languageCode", "de"), ("languageCode", "en")],
        ]
    ) == {*("status", "sourceId", "pageSize", "languageCode", "x")}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("hastranscript", "hasTranscript"),
        ("HASTRANSCRIPT", "hasTranscript"),
        ("has_transcript", "hasTranscript"),
        ("Status", "status"),
        ("createdafter", "createdAfter"),
        ("created_before", "createdBefore"),
        ("DateCreatedAfter", "createdAfter"),
        ("language", "languageCode"),
        ("recordingSourceId", "sourceId"),
        ("configurationId", "transcriptionConfigurationId"),
        ("page_size", "pageSize"),
        ("pagesize", "pageSize"),
        ("nextToken", "pageToken"),
    ],
)
def test_unknown_parameter_names_the_nearest(name: str, nearest: str) -> None:
    """The error of an unknown parameter names the one that is probably meant."""
    assert _errors([(name, "x")]) == {name: [f"There is no such parameter. Is {nearest} meant?"]}


def test_unknown_parameter_without_a_near_one_names_all() -> None:
    """If no parameter is near, the error lists all of them."""
    [text] = _errors([("q", "x")])["q"]
    for name in QUERY.fields:
        assert QUERY.parameter(name) in text


def test_route_without_parameters_says_so() -> None:
    """The error of a route without parameters says that it has none."""
    with pytest.raises(ValidationError) as caught:
        Query().read([("status", "x")])
    assert caught.value.messages_dict == {"status": ["This route has no query parameters."]}


def test_errors_of_unknown_parameters_are_bounded() -> None:
    """Only the first ten unknown parameters are named, with at most 64 characters of each."""
    names = [letter * 70 for letter in "abcdefghijklmnop"]
    assert list(_errors([(name, "") for name in names])) == [name[:64] for name in names[:10]]


@given(st.text())
@example("1" * 5000)
@example("\u0661")
def test_any_page_size_is_clamped_or_invalid(text: str) -> None:
    """Any text is an invalid page size or gives a size from 1 to 100."""
    try:
        size = PagedQuery().read([("pageSize", text)])["page_size"]
    except ValidationError:
        assert not text.isascii() or not text.isdigit() or set(text) == {"0"} or not text
    else:
        assert 1 <= size <= 100
        assert size == 100 or size == int(text)


@given(st.datetimes(timezones=_time_zones))
def test_time_survives_its_token(moment: datetime) -> None:
    """A token contains the same time as the query, to the microsecond, in UTC."""
    field = DateTimeParameter()
    try:
        loaded = field.deserialize(moment.isoformat())
    except ValidationError:
        # UTC has no such year.
        assert moment.year in {1, 9999}
    else:
        assert loaded == moment
        assert field.deserialize(loaded.isoformat()) == loaded
        assert loaded.tzinfo is UTC


@given(st.text())
def test_filters_survive_their_token(text: str) -> None:
    """A token contains the same filters as the query."""
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
