"""The name under which a sentence appears."""

from typing import Any

import pytest

from receiver.lookup.speakers import Speakers

_JANE = {"audioChannelIndex": 1, "type": "CUSTOMER", "name": "Jane Doe"}
_SMITH = {"audioChannelIndex": 2, "type": "HUMAN_AGENT", "name": "Agent Smith"}


def test_participant_index_counts_from_zero() -> None:
    """A sentence's participant stands at its participantIndex, counted from zero."""
    speakers = Speakers([_JANE, _SMITH])

    assert speakers.name_of({"participantIndex": 0}) == "Jane Doe"
    assert speakers.name_of({"participantIndex": 1}) == "Agent Smith"


def test_participant_index_goes_before_the_channel() -> None:
    """The participantIndex decides where the channel says something else."""
    speakers = Speakers([_JANE, _SMITH])

    assert speakers.name_of({"participantIndex": 0, "audioChannelIndex": 2}) == "Jane Doe"


@pytest.mark.parametrize("place", [None, -1, 2, 10**400, 1.0, "0", True, [], {}])
def test_channel_finds_the_participant(place: Any) -> None:
    """A participantIndex that leads to no participant leaves it to the channel."""
    speakers = Speakers([_JANE, _SMITH])

    assert speakers.name_of({"participantIndex": place, "audioChannelIndex": 2}) == "Agent Smith"


def test_first_of_two_on_one_channel_speaks() -> None:
    """Of two participants on a channel, the first is its speaker."""
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
def test_role_stands_in_for_the_name(name: Any, kind: str, role: str) -> None:
    """A participant without a name goes by its role, a role of Twilio's future included."""
    speakers = Speakers([{"type": kind, "name": name}])

    assert speakers.name_of({"participantIndex": 0}) == role


@pytest.mark.parametrize("kind", [None, "", "_", " ", 7, ["CUSTOMER"]])
def test_channel_stands_in_for_the_role(kind: Any) -> None:
    """A participant with neither name nor role goes by the channel."""
    speakers = Speakers([{"type": kind, "audioChannelIndex": 2}])

    assert speakers.name_of({"participantIndex": 0, "audioChannelIndex": 2}) == "Channel 2"


@pytest.mark.parametrize("channel", [None, -1, 10**4000, "1", True, 1.5, [1]])
def test_speaker_may_be_unknown(channel: Any) -> None:
    """Without participant and channel, the speaker is unknown."""
    assert Speakers([]).name_of({"audioChannelIndex": channel}) == "Unknown speaker"


def test_participants_need_not_be_objects() -> None:
    """A participant that is no object keeps its place and has no name."""
    speakers = Speakers([None, _SMITH, "Jane"])

    assert speakers.name_of({"participantIndex": 0, "audioChannelIndex": 2}) == "Agent Smith"
    assert speakers.name_of({"participantIndex": 2}) == "Unknown speaker"


def test_name_stays_on_its_line() -> None:
    """A name can't break the line, whatever its characters."""
    speakers = Speakers([{"name": "Jane\r\n\x00Doe\u2028\ud800"}])

    assert speakers.name_of({"participantIndex": 0}) == "Jane Doe \ufffd"


def test_name_is_bounded() -> None:
    """A name is cut at 64 characters, for each sentence repeats it."""
    assert Speakers([{"name": "n" * 64}]).name_of({"participantIndex": 0}) == "n" * 64
    assert Speakers([{"name": "n" * 65}]).name_of({"participantIndex": 0}) == "n" * 63 + "…"
