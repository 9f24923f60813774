"""Extracts cues: the sentences of a callback in spoken order, each with speaker, start and end.

Sentences are not validated. So missing or impossible values are inferred, and nothing raises. A
sentence without text gives no cue; only the JSON format shows it.

The order is that of `startTimeSeconds`, then of `sentenceIndex`, then of the array. A sentence
without a start follows the one before it by `sentenceIndex`. A sentence without a `sentenceIndex`
has its position in the array instead.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from receiver.lookup.speakers import Speakers, one_line, parse_index

# Twilio accepts at most eight hours of audio (error 17555), so a later time is a mistake. Times of
# at most a thousand hours stay readable.
_MAX_TIME_MS = 1_000 * 60 * 60 * 1_000

# How long a viewer needs to notice a caption, and how fast English is spoken. The unit is bytes:
# scripts that say more with each character also need more bytes for it in UTF-8.
_MIN_CUE_MS = 1_000
_SPOKEN_BYTES_PER_SECOND = 15

# Twilio's documentation mentions an end time but not its name. These names can only mean seconds.
_END_NAMES = ("endTimeSeconds", "endSeconds", "stopTimeSeconds")


class Cue(NamedTuple):
    """One sentence. `end_ms` is after `start_ms`; speaker and text have one line each."""

    start_ms: int
    end_ms: int
    speaker: str
    text: str


class _Sentence(NamedTuple):
    """A sentence with text. `place` is its place in the order; times are as given, or None."""

    place: int
    start_ms: int | None
    end_ms: int | None
    speaker: str
    text: str


def extract_cues(document: Mapping[str, Any]) -> list[Cue]:
    """Return the cues of a document in the flat shape, by ascending start."""
    sentences = _in_order(_sentences(document))
    starts = _starts(sentences)
    ends = _ends(sentences, starts, _milliseconds(document.get("duration")))

    return [
        Cue(start, end, sentence.speaker, sentence.text)
        for sentence, start, end in zip(sentences, starts, ends, strict=True)
    ]


def list_member(document: Mapping[str, Any], name: str) -> list[Any]:
    """Return the document's member if it is a list, otherwise an empty list."""
    value = document.get(name)

    return value if isinstance(value, list) else []


def _sentences(document: Mapping[str, Any]) -> Iterator[_Sentence]:
    speakers = Speakers(list_member(document, "participants"))
    for position, item in enumerate(list_member(document, "sentences")):
        text = one_line(item.get("text")) if isinstance(item, Mapping) else ""
        if not text:
            continue
        place = parse_index(item.get("sentenceIndex"))
        yield _Sentence(
            position if place is None else place,
            _milliseconds(item.get("startTimeSeconds")),
            next((end for name in _END_NAMES if (end := _milliseconds(item.get(name)))), None),
            speakers.name_of(item),
            text,
        )


def _in_order(sentences: Iterator[_Sentence]) -> list[_Sentence]:
    latest_start = 0
    keyed = []
    for sentence in sorted(sentences, key=attrgetter("place")):
        if sentence.start_ms is not None:
            latest_start = sentence.start_ms
        keyed.append((latest_start, sentence))

    return [sentence for _, sentence in sorted(keyed, key=itemgetter(0))]


def _starts(sentences: Sequence[_Sentence]) -> list[int]:
    """Return the starts, in ascending order.

    A sentence without a start begins where the one before it ends, but not after the next given
    start.
    """
    starts = []
    previous_end = 0
    for sentence, limit in zip(sentences, _next_starts(sentences), strict=True):
        start = min(previous_end, limit) if sentence.start_ms is None else sentence.start_ms
        starts.append(start)
        previous_end = _given_end(sentence, start) or start + _speaking_time(sentence.text)

    return starts


def _next_starts(sentences: Sequence[_Sentence]) -> list[int]:
    """Return for each sentence the first given start at or after it."""
    backwards = accumulate(
        reversed(sentences),
        lambda limit, sentence: limit if sentence.start_ms is None else sentence.start_ms,
        initial=_MAX_TIME_MS,
    )

    return list(backwards)[:0:-1]


def _ends(
    sentences: Sequence[_Sentence], starts: Sequence[int], duration_ms: int | None
) -> list[int]:
    """Return the ends, as given or inferred; each is after its start.

    An inferred end leaves the time to speak the text, so that no caption stays during a silence. It
    isn't after the next later start or the end of the job, but at least _MIN_CUE_MS after its own
    start.
    """
    ends = []
    following = later = duration_ms or 0
    for sentence, start in zip(reversed(sentences), reversed(starts), strict=True):
        if start < following:
            later = following
        following = start
        natural = start + _speaking_time(sentence.text)
        inferred = max(start + _MIN_CUE_MS, min(natural, later)) if start < later else natural
        ends.append(_given_end(sentence, start) or inferred)

    return ends[::-1]


def _given_end(sentence: _Sentence, start_ms: int) -> int | None:
    end_ms = sentence.end_ms

    return end_ms if end_ms is not None and end_ms > start_ms else None


def _speaking_time(text: str) -> int:
    """Return in milliseconds how long it takes to speak the text."""
    return max(_MIN_CUE_MS, len(text.encode()) * 1_000 // _SPOKEN_BYTES_PER_SECOND)


def _milliseconds(seconds: object) -> int | None:
    """Return the time in whole milliseconds, limited to the valid range; None if not a number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None

    # With 0 as the first argument, max returns 0 for NaN too.
    return round(min(max(0, seconds), _MAX_TIME_MS // 1_000) * 1_000)
