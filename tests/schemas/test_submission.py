"""The rules of Twilio's create request, each sentence of which that states one has its test."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from schemas.submission import Submission, canonical, to_faults, twilio_code

CONFIGURATION = "voice_transcriptionconfiguration_5pe8jw3ahdmsh7zr06yh4d45x1"
RECORDING = "RE" + "0123456789abcdef" * 2
SOUND = {"transcriptionConfigurationId": CONFIGURATION, "sourceId": RECORDING}
MEDIA = {
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


def sent(document: dict[str, Any]) -> dict[str, Any]:
    """Return what Twilio would be sent."""
    told: dict[str, Any] = json.loads(canonical(Submission().load(document)))

    return told


def refused(document: Any) -> tuple[int | None, list[str]]:
    """Return Twilio's code and the pointers of the faults."""
    with pytest.raises(ValidationError) as caught:
        Submission().load(document)
    faults = to_faults(caught.value)

    return twilio_code(faults), [fault["pointer"] for fault in faults]


@pytest.mark.parametrize(
    "document",
    [
        SOUND,
        SOUND | {"participants": [JANE, SMITH]},
        MEDIA | {"audioStartedAt": "2026-03-10T19:42:16Z", "participants": [JANE, SMITH]},
        MEDIA | {"participants": [{"audioChannelIndex": 2}], "inputSource": "MEDIA_URL"},
        SOUND | {"sourceId": "voice_recording_7n7hnd7sf68yfv5re42nvvz7aa"},
    ],
)
def test_what_is_right_is_sent_as_it_is(document: dict[str, Any]) -> None:
    """The examples of Twilio's own page, and what its SDK can send besides, go through."""
    assert sent(document) == document


def test_a_configuration_is_required() -> None:
    """`transcriptionConfigurationId` is required (17501)."""
    assert refused({"sourceId": RECORDING}) == (17501, ["/transcriptionConfigurationId"])


@pytest.mark.parametrize("value", ["", "calls", CONFIGURATION.upper(), CONFIGURATION + "\n", 1])
def test_a_configuration_is_meant_by_its_id(value: object) -> None:
    """Something else than the id of a configuration is 17501."""
    wrong = SOUND | {"transcriptionConfigurationId": value}
    assert refused(wrong) == (17501, ["/transcriptionConfigurationId"])


def test_a_source_is_required() -> None:
    """Neither `sourceId` nor `mediaUrl` is 17500, and a null is none."""
    bare = {"transcriptionConfigurationId": CONFIGURATION}
    assert refused(bare) == (17500, [""])
    assert refused(bare | {"sourceId": None, "mediaUrl": None}) == (17500, [""])


def test_there_is_one_source_only() -> None:
    """`sourceId` and `mediaUrl` must not be there both."""
    assert refused(SOUND | MEDIA) == (None, ["/mediaUrl"])


@pytest.mark.parametrize("value", ["RE1", RECORDING.upper(), "CA" + RECORDING[2:], 7, ""])
def test_a_source_is_a_recording(value: object) -> None:
    """What is no Recording SID is 17502."""
    assert refused(SOUND | {"sourceId": value}) == (17502, ["/sourceId"])


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
def test_a_media_url_is_absolute(value: object) -> None:
    """What is no http(s) URL points at it."""
    assert refused(MEDIA | {"mediaUrl": value}) == (None, ["/mediaUrl"])


@pytest.mark.parametrize("value", [0, 3, -1, "1", 1.0, True, None, 10**400])
def test_a_channel_is_one_or_two(value: object) -> None:
    """`audioChannelIndex` is 1 or 2 (17511)."""
    wrong = MEDIA | {"participants": [JANE, SMITH | {"audioChannelIndex": value}]}
    assert refused(wrong) == (17511, ["/participants/1/audioChannelIndex"])


def test_a_channel_is_required() -> None:
    """A participant who tells no `audioChannelIndex` is refused (17511)."""
    wrong = MEDIA | {"participants": [{"type": "CUSTOMER"}]}
    assert refused(wrong) == (17511, ["/participants/0/audioChannelIndex"])


def test_a_channel_has_one_participant() -> None:
    """Each channel is named at most once (17513)."""
    wrong = MEDIA | {"participants": [JANE, SMITH | {"audioChannelIndex": 1}]}
    assert refused(wrong) == (17513, ["/participants/1/audioChannelIndex"])


def test_there_are_two_participants_at_most() -> None:
    """Three are 17510, as is what is no list."""
    assert refused(MEDIA | {"participants": [JANE, SMITH, JANE]}) == (17510, ["/participants"])
    assert refused(MEDIA | {"participants": JANE}) == (17510, ["/participants"])


@pytest.mark.parametrize("value", ["AGENT", "customer", "", 1])
def test_there_are_three_types(value: object) -> None:
    """A type is CUSTOMER, HUMAN_AGENT or AI_AGENT (17514)."""
    wrong = MEDIA | {"participants": [JANE | {"type": value}]}
    assert refused(wrong) == (17514, ["/participants/0/type"])


@pytest.mark.parametrize("name", ["address", "name"])
@pytest.mark.parametrize("value", [1, "\x00", "\ud800", []])
def test_a_participants_text_can_be_kept(name: str, value: object) -> None:
    """What Postgres can't keep is refused before it is sent."""
    wrong = MEDIA | {"participants": [JANE | {name: value}]}
    assert refused(wrong) == (None, [f"/participants/0/{name}"])


def test_unknown_members_are_refused() -> None:
    """Anywhere, with a pointer whose special characters are escaped (RFC 6901)."""
    wrong = MEDIA | {"a/b~c": 1, "participants": [JANE | {"phone": "1"}]}
    assert refused(wrong) == (None, ["/participants/0/phone", "/a~1b~0c"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-03-10T19:42:16Z", "2026-03-10T19:42:16Z"),
        ("2026-03-10T20:42:16+01:00", "2026-03-10T19:42:16Z"),
        ("2026-03-10T19:42:16.5Z", "2026-03-10T19:42:16.500000Z"),
    ],
)
def test_the_start_is_sent_in_utc(text: str, told: str) -> None:
    """`audioStartedAt` is a point in time, however it is written."""
    assert sent(MEDIA | {"audioStartedAt": text})["audioStartedAt"] == told


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
def test_a_start_is_a_time(value: object) -> None:
    """What is none, or tells no offset, points at it."""
    assert refused(MEDIA | {"audioStartedAt": value}) == (None, ["/audioStartedAt"])


def test_nulls_are_not_sent() -> None:
    """A null is a property that isn't given, as in Twilio's SDK."""
    nulls = dict.fromkeys(("mediaUrl", "audioStartedAt", "participants", "inputSource"))
    assert sent(SOUND | nulls) == SOUND
    nobody = JANE | {"type": None, "address": None, "name": None}
    assert sent(SOUND | {"participants": [nobody]})["participants"] == [{"audioChannelIndex": 1}]


@given(st.permutations(list((MEDIA | {"participants": [JANE, SMITH]}).items())))
def test_the_order_of_members_says_nothing(items: list[tuple[str, Any]]) -> None:
    """However the same request is written, it has one canonical text."""
    expected = canonical(Submission().load(MEDIA | {"participants": [JANE, SMITH]}))
    assert canonical(Submission().load(dict(items))) == expected


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from([*MEDIA, *SOUND, *JANE, "participants", "_schema"]) | st.text(),
                inner,
            )
        ),
    )
)
def test_whatever_comes_it_is_refused_with_pointers(document: Any) -> None:
    """No document raises anything else than a ValidationError, whose faults all have pointers."""
    try:
        Submission().load(document)
    except ValidationError as error:
        faults = to_faults(error)
    else:
        faults = [{"pointer": "", "detail": "none"}]
    assert all(fault["pointer"] == "" or fault["pointer"][0] == "/" for fault in faults)
    assert faults
