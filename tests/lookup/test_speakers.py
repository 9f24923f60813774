"""Tests of the name that a sentence's speaker is shown with."""

from typing import Any

import pytest

from receiver.lookup.speakers import Speakers

_JANE = {"audioChannelIndex": 1, "type": "CUSTOMER", "name": "Jane Doe"}
_SMITH = {"audioChannelIndex": 2, "type": "HUMAN_AGENT", "name": "Agent Smith"}


def test_participant_index_counts_from_zero() -> None:
    """A participantIndex is the participant's place, counted from zero."""
    speakers = Speakers([_JANE, _SMITH])

    assert speakers.name_of({"participantIndex": 0}) == "Jane Doe"
    assert speakers.name_of({"participantIndex": 1}) == "Agent Smith"


def test_participant_index_overrides_the_channel() -> None:
    """The participantIndex overrides the channel."""
    speakers = Speakers([_JANE, _SMITH])

    assert speakers.name_of({"participantIndex": 0, "audioChannelIndex": 2}) == "Jane Doe"


@pytest.mark.parametrize("place", [None, -1, 2, 10**400, 1.0, "0", True, [], {}])
def test_channel_is_used_without_a_valid_index(place: Any) -> None:
    """The channel names the participant if the participantIndex is invalid."""
    speakers = Speakers([_JANE, _SMITH])

    assert speakers.name_of({"participantIndex": place, "audioChannelIndex": 2}) == "Agent Smith"


def test_first_participant_of_a_channel_is_its_speaker() -> None:
    """The first of two participants on a channel is its speaker."""
    speakers = Speakers([_JANE, _SMITH | {"audioChannelIndex": 1}])

    assert speakers.name_of({"audioChannelIndex": 1}) == "Jane Doe"


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("CUSTOMER", "Customer"),
        ("HUMAN_AGENT", "Agent"),
        ("AI_AGENT", "AI agent"),
        ("customer", "Customer"),
        ("FLOOR_MANAGER", "Floor manager"),
    ],
)
@pytest.mark.parametrize("name", [None, "", " \n", "\xa0", 7])
def test_role_replaces_a_missing_name(name: Any, kind: str, role: str) -> None:
    """A participant without a name is shown with its role, known or unknown."""
    speakers = Speakers([{"type": kind, "name": name}])

    assert speakers.name_of({"participantIndex": 0}) == role


@pytest.mark.parametrize("kind", [None, "", "_", " ", 7, ["CUSTOMER"]])
def test_channel_replaces_a_missing_role(kind: Any) -> None:
    """A participant without name and role is shown with its channel."""
    speakers = Speakers([{"type": kind, "audioChannelIndex": 2}])

    assert speakers.name_of({"participantIndex": 0, "audioChannelIndex": 2}) == "Channel 2"


@pytest.mark.parametrize("channel", [None, -1, 10**4000, "1", True, 1.5, [1]])
def test_speaker_may_be_unknown(channel: Any) -> None:
    """A sentence without participant and channel has an unknown speaker."""
    assert Speakers([]).name_of({"audioChannelIndex": channel}) == "Unknown speaker"


def test_participants_need_not_be_objects() -> None:
    """A participant that isn't an object keeps its place and has no name."""
    speakers = Speakers([None, _SMITH, "Jane"])

    assert speakers.name_of({"participantIndex": 0, "audioChannelIndex": 2}) == "Agent Smith"
    assert speakers.name_of({"participantIndex": 2}) == "Unknown speaker"


def test_name_has_no_line_breaks() -> None:
    """A name can't break the line, with any characters."""
    speakers = Speakers([{"name": "Jane\r\n\x00Doe\u2028\ud800"}])

    assert speakers.name_of({"participantIndex": 0}) == "Jane Doe \ufffd"


def test_name_is_truncated() -> None:
    """A name is truncated to 64 characters, because each sentence repeats it."""
    assert Speakers([{"name": "n" * 64}]).name_of({"participantIndex": 0}) == "n" * 64
    assert Speakers([{"name": "n" * 65}]).name_of({"participantIndex": 0}) == "n" * 63 + "…"
