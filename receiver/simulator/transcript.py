"""Generates a phone call between two people. The same random seed gives the same transcript."""

from collections.abc import Iterator
from random import Random
from typing import Any

_OPENINGS = (
    ("Thank you for calling {firm}, this is {agent}. How can I help you?",),
    ("{firm}, {agent} speaking. What can I do for you today?",),
)
_MATTERS = (
    ("I am calling about the {thing} that I ordered last {day}.", "It has not arrived yet."),
    ("Hi, I have a question about my bill of last {day}.", "It says {number}, and I paid already."),
    ("Good morning. The {thing} that you sent me does not work.", "I tried it twice on {day}."),
    ("I would like to move my appointment on {day}, please.", "The number is {number}."),
)
# Each is said by the agent and answered by the customer.
_EXCHANGES = (
    ("May I have your order number, please?", "Sure, it is {number}."),
    ("Let me look that up. One moment, please.", "Take your time."),
    ("I see it here. It left our warehouse on {day}.", "So when can I expect it?"),
    ("Is the address on the parcel still right?", "Yes, we have not moved."),
    ("I can send you another {thing}, or give you your money back.", "Another one would be fine."),
    ("You will get a message when it is on its way.", "All right. To this number?"),
    ("Could you spell your name for me?", "It is {name}, as you would say it."),
    (
        "I am sorry about that. Our driver could not find the door.",
        "That happens, it is around the back.",
    ),
    ("Would {day} in the afternoon suit you?", "Any time after four is good."),
    ("I have made a note of it, under {number}.", "Let me write that down: {number}."),
)
_ENDINGS = (
    ("Is there anything else I can do for you?", "No, that is all. Thank you, {agent}."),
    ("Then you are all set, {name}.", "Great, thanks for your help. Bye."),
)
_WORDS = {
    "firm": ("Larkspur Furniture", "Northside Clinic", "Tandem Cycles", "Halyard Energy"),
    "agent": ("Sam", "Priya", "Oluwaseun", "Marta"),
    "name": ("Jane", "Tomasz", "Aiko", "Renée"),
    "thing": ("lamp", "bicycle pump", "bookshelf", "heating valve"),
    "day": ("Monday", "Tuesday", "Thursday", "Friday"),
    "number": ("four four seven one nine", "two eight zero five", "nine one six three three"),
}
_CUSTOMER, _AGENT = 0, 1
_WORDS_PER_SECOND = 3


def generate_transcript(
    random: Random, participants: list[dict[str, Any]], *, min_sentence_count: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Return the sentences as in a callback, and the recording's duration in seconds.

    There are about twenty sentences, or more than `min_sentence_count`. The participants determine
    who is the customer, and each speaker's channel.
    """
    customer = next(
        (person for person in participants if person.get("type") == "CUSTOMER"), participants[0]
    )
    agent = next(person for person in participants if person is not customer)
    sentences = []
    seconds = 0.4
    names = {"agent": agent.get("name"), "name": (customer.get("name") or "").partition(" ")[0]}
    lines = _generate_lines(random, names, min_sentence_count)
    for index, (role, text) in enumerate(lines):
        speaker = customer if role == _CUSTOMER else agent
        sentences.append(
            {
                "audioChannelIndex": speaker["audioChannelIndex"],
                "sentenceIndex": index,
                "participantIndex": participants.index(speaker),
                "startTimeSeconds": round(seconds, 2),
                "text": text,
            }
        )
        seconds += len(text.split()) / _WORDS_PER_SECOND + random.uniform(0.2, 1.4)

    return sentences, int(seconds) + 1


def _generate_lines(
    random: Random, names: dict[str, str | None], min_sentence_count: int
) -> Iterator[tuple[int, str]]:
    """Yield who speaks, and what."""
    words = {word: random.choice(choices) for word, choices in _WORDS.items()}
    words |= {word: name for word, name in names.items() if name}
    yield _AGENT, random.choice(_OPENINGS)[0].format(**words)
    for text in random.choice(_MATTERS):
        yield _CUSTOMER, text.format(**words)
    for exchanges in _rounds(random, min_sentence_count):
        for question, answer in exchanges:
            yield _AGENT, question.format(**words)
            yield _CUSTOMER, answer.format(**words)


def _rounds(random: Random, min_sentence_count: int) -> Iterator[tuple[tuple[str, str], ...]]:
    for _ in range(min_sentence_count // (2 * len(_EXCHANGES))):
        yield _EXCHANGES
    yield tuple(random.sample(_EXCHANGES, k=random.randint(3, len(_EXCHANGES))))
    yield _ENDINGS
