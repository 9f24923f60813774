"""Validates a request's participants, and adds missing members from the call or the defaults."""

from collections.abc import Iterator
from random import Random
from typing import Any

from receiver.simulator.errors import Violation

TYPES = ("CUSTOMER", "HUMAN_AGENT", "AI_AGENT")
_MAX_COUNT = 2
_NAMES = ("Jane Doe", "Tomasz Nowak", "Aiko Mori", "Renée Blanc", "Sam Taylor", "Priya Nair")


def participant_violations(
    given: Any, *, is_recording: bool, has_conversation: bool
) -> Iterator[Violation]:
    """Yield the violations of a request's participants.

    `is_recording`: the source is a Recording, and its call determines the participants.
    `has_conversation`: a conversation stores the transcript, and needs their addresses.
    """
    people = [] if given is None else given
    if not (isinstance(people, list) and all(isinstance(person, dict) for person in people)):
        yield Violation(20001, "participants must be an array of objects.", "#/participants")
        return
    yield from _count_violations(
        len(people), is_recording=is_recording, has_conversation=has_conversation
    )
    for index, person in enumerate(people):
        yield from _person_violations(person, f"#/participants/{index}")
    channels = [person.get("audioChannelIndex") for person in people]
    if len(people) == _MAX_COUNT and channels[0] == channels[1]:
        yield Violation(
            17513,
            "Each participant needs a channel of its own.",
            "#/participants/1/audioChannelIndex",
        )
    types = {person.get("type") for person in people}
    if None in types and len(types) > 1:
        yield Violation(17515, "Give every participant a type, or none of them.", "#/participants")
    if has_conversation and types and None not in types and "CUSTOMER" not in types:
        yield Violation(17516, "One of the participants must be the CUSTOMER.", "#/participants")
    if has_conversation and not is_recording:
        yield from _address_violations(people)


def complete_participants(
    given: list[dict[str, Any]] | None,
    defaults: list[dict[str, Any]],
    *,
    is_recording: bool,
    random: Random,
) -> list[dict[str, Any]]:
    """Return both participants. Missing members come from the call, or from the defaults."""
    people = {person["audioChannelIndex"]: _without_nulls(person) for person in given or ()}
    taken_names: set[str] = set()
    for default in defaults:
        channel = default["audioChannelIndex"]
        inferred = _infer(random, taken_names) if is_recording and not given else {}
        people[channel] = {**default, **inferred, **people.get(channel, {})}

    return [people[channel] for channel in sorted(people)]


def _without_nulls(person: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in person.items() if value is not None}


def _infer(random: Random, taken_names: set[str]) -> dict[str, str]:
    """Return another person than those whose names are taken; add the name to them."""
    name = random.choice([name for name in _NAMES if name not in taken_names])
    taken_names.add(name)

    return {"address": f"+1555{random.randrange(10**7):07}", "name": name}


def _count_violations(
    count: int, *, is_recording: bool, has_conversation: bool
) -> Iterator[Violation]:
    if is_recording and count not in {0, _MAX_COUNT}:
        yield Violation(17510, "Give both participants, or none of them.", "#/participants")
    elif not is_recording and has_conversation and count != _MAX_COUNT:
        yield Violation(17510, "The conversation needs exactly two participants.", "#/participants")
    elif count > _MAX_COUNT:
        yield Violation(17510, "There may be two participants at most.", "#/participants")


def _person_violations(person: dict[str, Any], pointer: str) -> Iterator[Violation]:
    channel, channel_pointer = person.get("audioChannelIndex"), f"{pointer}/audioChannelIndex"
    if channel is not None and (not isinstance(channel, int) or isinstance(channel, bool)):
        yield Violation(17512, "audioChannelIndex must be an integer.", channel_pointer)
    elif channel not in {1, 2}:
        yield Violation(17511, "audioChannelIndex must be 1 or 2.", channel_pointer)
    if person.get("type") not in {None, *TYPES}:
        yield Violation(17514, f"type must be one of {', '.join(TYPES)}.", f"{pointer}/type")
    for name in ("address", "name"):
        if not isinstance(person.get(name, ""), str | None):
            yield Violation(20001, f"{name} must be a string.", f"{pointer}/{name}")


def _address_violations(people: list[dict[str, Any]]) -> Iterator[Violation]:
    for index, person in enumerate(people):
        if not person.get("address"):
            yield Violation(
                17517,
                "The conversation needs the address of every participant.",
                f"#/participants/{index}/address",
            )
