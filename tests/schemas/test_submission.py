"""Tests of the rules of Twilio's create request: one for each sentence that states a rule."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from schemas.submission import Submission, canonical, to_faults, twilio_code

CONFIGURATION = "voice_transcriptionconfiguration_5pe8jw3ahdmsh7zr06yh4d45x1"
RECORDING = "RE" + "0123456789abcdef" * 2
WITH_SOURCE = {"transcriptionConfigurationId": CONFIGURATION, "sourceId": RECORDING}
WITH_MEDIA = {
    "transcriptionConfigurationId": CONFIGURATION,
    "mediaUrl": "https://example.com/audio/recording.wav",
}
JANE = {
    "audioChannelIndex": 1,
    "type": "CUSTOMER",
    "address": "+15551234567",
    "name": "Jane Doe",
}
SMITH = {
    "audioChannelIndex": 2,
    "type": "HUMAN_AGENT",
    "address": "+15559876543",
    "name": "Agent Smith",
}


def _sent_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON that Twilio would receive."""
    document_sent: dict[str, Any] = json.loads(canonical(Submission().load(document)))

    return document_sent


def _errors(document: Any) -> tuple[int | None, list[str]]:
    """Return Twilio's code and the pointers of the errors."""
    with pytest.raises(ValidationError) as error:
        Submission().load(document)
    errors = to_faults(error.value)

    return twilio_code(errors), [each["pointer"] for each in errors]


@pytest.mark.parametrize(
    "document",
    [
        WITH_SOURCE,
        WITH_SOURCE | {"participants": [JANE, SMITH]},
        WITH_MEDIA | {"audioStartedAt": "2026-03-10T19:42:16Z", "participants": [JANE, SMITH]},
        WITH_MEDIA | {"participants": [{"audioChannelIndex": 2}], "inputSource": "MEDIA_URL"},
        WITH_SOURCE | {"sourceId": "voice_recording_7n7hnd7sf68yfv5re42nvvz7aa"},
    ],
)
def test_valid_document_is_sent_unchanged(document: dict[str, Any]) -> None:
    """The examples of Twilio's page, and what else its SDK can send, are sent unchanged."""
    assert _sent_document(document) == document


def test_configuration_is_required() -> None:
    """A request without `transcriptionConfigurationId` is invalid (17501)."""
    assert _errors({"sourceId": RECORDING}) == (17501, ["/transcriptionConfigurationId"])


@pytest.mark.parametrize("value", ["", "calls", CONFIGURATION.upper(), CONFIGURATION + "\n", 1])
def test_configuration_must_be_an_id(value: object) -> None:
    """A `transcriptionConfigurationId` that isn't a configuration's id is invalid (17501)."""
    invalid = WITH_SOURCE | {"transcriptionConfigurationId": value}
    assert _errors(invalid) == (17501, ["/transcriptionConfigurationId"])


def test_source_is_required() -> None:
    """A request with neither `sourceId` nor `mediaUrl`, or with nulls, is invalid (17500)."""
    without_source = {"transcriptionConfigurationId": CONFIGURATION}
    assert _errors(without_source) == (17500, [""])
    assert _errors(without_source | {"sourceId": None, "mediaUrl": None}) == (17500, [""])


def test_two_sources_are_invalid() -> None:
    """A request with both `sourceId` and `mediaUrl` is invalid."""
    assert _errors(WITH_SOURCE | WITH_MEDIA) == (None, ["/mediaUrl"])


@pytest.mark.parametrize("value", ["RE1", RECORDING.upper(), "CA" + RECORDING[2:], 7, ""])
def test_source_must_be_a_recording(value: object) -> None:
    """A `sourceId` that isn't a Recording SID is invalid (17502)."""
    assert _errors(WITH_SOURCE | {"sourceId": value}) == (17502, ["/sourceId"])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "recording.wav",
        "ftp://example.com/a.wav",
        "https://",
        "https://[example.com/a",
        "https://example.com:port/a",
        "https://example.com/a b",
        "https://example.com/a\n",
        "https://example.com/\x00",
        "https://example.com/" + "a" * 8192,
        [],
    ],
)
def test_media_url_must_be_absolute(value: object) -> None:
    """A `mediaUrl` that isn't an absolute http(s) URL is invalid."""
    assert _errors(WITH_MEDIA | {"mediaUrl": value}) == (None, ["/mediaUrl"])


@pytest.mark.parametrize("value", [0, 3, -1, "1", 1.0, True, None, 10**400])
def test_channel_must_be_one_or_two(value: object) -> None:
    """An `audioChannelIndex` other than 1 or 2 is invalid (17511)."""
    invalid = WITH_MEDIA | {"participants": [JANE, SMITH | {"audioChannelIndex": value}]}
    assert _errors(invalid) == (17511, ["/participants/1/audioChannelIndex"])


def test_channel_is_required() -> None:
    """A participant without `audioChannelIndex` is invalid (17511)."""
    invalid = WITH_MEDIA | {"participants": [{"type": "CUSTOMER"}]}
    assert _errors(invalid) == (17511, ["/participants/0/audioChannelIndex"])


def test_channel_has_one_participant() -> None:
    """A second participant on the same channel is invalid (17513)."""
    invalid = WITH_MEDIA | {"participants": [JANE, SMITH | {"audioChannelIndex": 1}]}
    assert _errors(invalid) == (17513, ["/participants/1/audioChannelIndex"])


def test_more_than_two_participants_are_invalid() -> None:
    """Three participants, or a value that isn't a list, are invalid (17510)."""
    assert _errors(WITH_MEDIA | {"participants": [JANE, SMITH, JANE]}) == (17510, ["/participants"])
    assert _errors(WITH_MEDIA | {"participants": JANE}) == (17510, ["/participants"])


@pytest.mark.parametrize("value", ["AGENT", "customer", "", 1])
def test_unknown_type_is_invalid(value: object) -> None:
    """A type other than CUSTOMER, HUMAN_AGENT and AI_AGENT is invalid (17514)."""
    invalid = WITH_MEDIA | {"participants": [JANE | {"type": value}]}
    assert _errors(invalid) == (17514, ["/participants/0/type"])


@pytest.mark.parametrize("name", ["address", "name"])
@pytest.mark.parametrize("value", [1, "\x00", "\ud800", []])
def test_unstorable_text_is_invalid(name: str, value: object) -> None:
    """A participant's text that Postgres can't store is invalid."""
    invalid = WITH_MEDIA | {"participants": [JANE | {name: value}]}
    assert _errors(invalid) == (None, [f"/participants/0/{name}"])


def test_unknown_members_are_invalid() -> None:
    """An unknown member is invalid at any level, and its pointer is escaped (RFC 6901)."""
    invalid = WITH_MEDIA | {"a/b~c": 1, "participants": [JANE | {"phone": "1"}]}
    assert _errors(invalid) == (None, ["/participants/0/phone", "/a~1b~0c"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-10T19:42:16Z", "2026-03-10T19:42:16Z"),
        ("2026-03-10T20:42:16+01:00", "2026-03-10T19:42:16Z"),
        ("2026-03-10T19:42:16.5Z", "2026-03-10T19:42:16.500000Z"),
    ],
)
def test_start_is_sent_in_utc(text: str, expected: str) -> None:
    """`audioStartedAt` is sent in UTC."""
    assert _sent_document(WITH_MEDIA | {"audioStartedAt": text})["audioStartedAt"] == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2026-03-10",
        "2026-03-10T19:42:16",
        "2026-02-30T19:42:16Z",
        "0001-01-01T00:00:00Z",
        1,
    ],
)
def test_start_must_be_a_time_with_an_offset(value: object) -> None:
    """An `audioStartedAt` that isn't a time with an offset is invalid."""
    assert _errors(WITH_MEDIA | {"audioStartedAt": value}) == (None, ["/audioStartedAt"])


def test_nulls_are_not_sent() -> None:
    """A null isn't sent, as in Twilio's SDK."""
    nulls = dict.fromkeys(("mediaUrl", "audioStartedAt", "participants", "inputSource"))
    assert _sent_document(WITH_SOURCE | nulls) == WITH_SOURCE
    without_details = JANE | {"type": None, "address": None, "name": None}
    assert _sent_document(WITH_SOURCE | {"participants": [without_details]})["participants"] == [
        {"audioChannelIndex": 1}
    ]


@given(st.permutations(list((WITH_MEDIA | {"participants": [JANE, SMITH]}).items())))
def test_order_of_members_does_not_change_the_canonical_text(items: list[tuple[str, Any]]) -> None:
    """A request has one canonical text, in any order of its members."""
    expected = canonical(Submission().load(WITH_MEDIA | {"participants": [JANE, SMITH]}))
    assert canonical(Submission().load(dict(items))) == expected


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from([*WITH_MEDIA, *WITH_SOURCE, *JANE, "participants", "_schema"])
                | st.text(),
                inner,
            )
        ),
    )
)
def test_errors_of_any_document_have_pointers(document: Any) -> None:
    """Any invalid document raises ValidationError; each error has a pointer and a long detail."""
    try:
        Submission().load(document)
    except ValidationError as error:
        errors = to_faults(error)
    else:
        errors = [{"pointer": "", "detail": "none: it is valid"}]
    assert all(each["pointer"] == "" or each["pointer"][0] == "/" for each in errors)
    # As Twilio's description of a problem requires.
    assert all(len(each["detail"]) >= 16 for each in errors)
    assert errors
