"""Reads the sentences of a callback that have text, in spoken order.

Sentences are not validated: a missing or impossible value is None, and nothing raises. A sentence
without text is omitted; only the JSON format contains it.

The order is that of `startTimeSeconds`, then of `sentenceIndex`, then of the array. A sentence
without a start follows the one before it by `sentenceIndex`. A sentence without a `sentenceIndex`
has its position in the array instead.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from receiver.lookup.speakers import Speakers, one_line, parse_index
from receiver.runtime.pacing import Pause, no_pause, paced

# Twilio accepts at most eight hours of audio (error 17555), so a later time is a mistake. Times of
# at most a thousand hours stay readable.
MAX_TIME_MS = 1_000 * 60 * 60 * 1_000

# Twilio's documentation mentions an end time but not its name. These names can only mean seconds.
_END_NAMES = ("endTimeSeconds", "endSeconds", "stopTimeSeconds")


class Sentence(NamedTuple):
    """A sentence with text; speaker and text have one line each. A missing time is None."""

    place: int  # its `sentenceIndex`, or its position in the array
    start_ms: int | None
    end_ms: int | None
    speaker: str
    role: str  # the speaker's `type` in upper case; "" if it is unknown
    text: str


def read_sentences(document: Mapping[str, Any], pause: Pause = no_pause) -> list[Sentence]:
    """Return the sentences of a decoded callback (schemas.callback.decode), in spoken order.

    `pause` is called after every few sentences.
    """
    latest_start_ms = 0
    keyed = []
    by_place = sorted(paced(_sentences(document), pause), key=attrgetter("place"))
    for sentence in paced(by_place, pause):
        if sentence.start_ms is not None:
            latest_start_ms = sentence.start_ms
        keyed.append((latest_start_ms, sentence))

    return [sentence for _, sentence in sorted(keyed, key=itemgetter(0))]


def list_member(document: Mapping[str, Any], name: str) -> list[Any]:
    """Return the document's member if it is a list, otherwise an empty list."""
    value = document.get(name)

    return value if isinstance(value, list) else []


def to_milliseconds(seconds: object) -> int | None:
    """Return the time in whole milliseconds, limited to the valid range; None if not a number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None

    # With 0 as the first argument, max returns 0 for NaN too.
    return round(min(max(0, seconds), MAX_TIME_MS // 1_000) * 1_000)


def _sentences(document: Mapping[str, Any]) -> Iterator[Sentence]:
    speakers = Speakers(list_member(document, "participants"))
    for position, item in enumerate(list_member(document, "sentences")):
        text = one_line(item.get("text")) if isinstance(item, Mapping) else ""
        if not text:
            continue
        place = parse_index(item.get("sentenceIndex"))
        yield Sentence(
            position if place is None else place,
            to_milliseconds(item.get("startTimeSeconds")),
            next((end for name in _END_NAMES if (end := to_milliseconds(item.get(name)))), None),
            speakers.name_of(item),
            speakers.role_of(item),
            text,
        )
