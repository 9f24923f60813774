"""Participants: who is on which channel, as given, inferred from the call, or by default."""

from collections.abc import Iterator
from random import Random
from typing import Any

from receiver.simulator.problem import Fault

TYPES = ("CUSTOMER", "HUMAN_AGENT", "AI_AGENT")
_BOTH = 2
_NAMES = ("Jane Doe", "Tomasz Nowak", "Aiko Mori", "Renée Blanc", "Sam Taylor", "Priya Nair")


def participant_faults(given: Any, *, recorded: bool, stored: bool) -> Iterator[Fault]:
    """Tell what is wrong with the participants of a request.

    `recorded`: it names a Recording, whose call tells who took part. `stored`: the transcript goes
    into a conversation, which must know.
    """
    people = [] if given is None else given
    if not (isinstance(people, list) and all(isinstance(person, dict) for person in people)):
        yield Fault(20001, "participants must be an array of objects.", "#/participants")
        return
    yield from _count_faults(len(people), recorded=recorded, stored=stored)
    for index, person in enumerate(people):
        yield from _person_faults(person, f"#/participants/{index}")
    channels = [person.get("audioChannelIndex") for person in people]
    if len(people) == _BOTH and channels[0] == channels[1]:
        yield Fault(
            17513,
            "Each participant needs a channel of its own.",
            "#/participants/1/audioChannelIndex",
        )
    types = {person.get("type") for person in people}
    if None in types and len(types) > 1:
        yield Fault(17515, "Give every participant a type, or none of them.", "#/participants")
    if stored and types and None not in types and "CUSTOMER" not in types:
        yield Fault(17516, "One of the participants must be the CUSTOMER.", "#/participants")
    if stored and not recorded:
        yield from _address_faults(people)


def participants(
    given: list[dict[str, Any]] | None,
    defaults: list[dict[str, Any]],
    *,
    recorded: bool,
    random: Random,
) -> list[dict[str, Any]]:
    """Return both participants: what isn't given comes from the call, or from the defaults."""
    people = {person["audioChannelIndex"]: _known(person) for person in given or ()}
    for default in defaults:
        channel = default["audioChannelIndex"]
        inferred = _inferred(random) if recorded and not given else {}
        people[channel] = {**default, **inferred, **people.get(channel, {})}

    return [people[channel] for channel in sorted(people)]


def _known(person: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in person.items() if value is not None}


def _inferred(random: Random) -> dict[str, str]:
    return {"address": f"+1555{random.randrange(10**7):07}", "name": random.choice(_NAMES)}


def _count_faults(count: int, *, recorded: bool, stored: bool) -> Iterator[Fault]:
    if recorded and count not in {0, _BOTH}:
        yield Fault(17510, "Give both participants, or none of them.", "#/participants")
    elif not recorded and stored and count != _BOTH:
        yield Fault(17510, "The conversation needs exactly two participants.", "#/participants")
    elif count > _BOTH:
        yield Fault(17510, "There may be two participants at most.", "#/participants")


def _person_faults(person: dict[str, Any], pointer: str) -> Iterator[Fault]:
    channel = person.get("audioChannelIndex")
    if channel is not None and (not isinstance(channel, int) or isinstance(channel, bool)):
        yield Fault(17512, "audioChannelIndex must be an integer.", f"{pointer}/audioChannelIndex")
    elif channel not in {1, _BOTH}:
        yield Fault(17511, "audioChannelIndex must be 1 or 2.", f"{pointer}/audioChannelIndex")
    if person.get("type") not in {None, *TYPES}:
        yield Fault(17514, f"type must be one of {', '.join(TYPES)}.", f"{pointer}/type")
    for name in ("address", "name"):
        if not isinstance(person.get(name, ""), str | None):
            yield Fault(20001, f"{name} must be a string of text.", f"{pointer}/{name}")


def _address_faults(people: list[dict[str, Any]]) -> Iterator[Fault]:
    for index, person in enumerate(people):
        if not person.get("address"):
            yield Fault(
                17517, "The conversation needs each address.", f"#/participants/{index}/address"
            )
