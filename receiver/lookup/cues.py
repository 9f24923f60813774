"""Cues: a callback's sentences in spoken order, each with its speaker and its end.

The sentences were validated by nobody, so whatever is missing or makes no sense is inferred, and
nothing raises. A sentence without text is no cue; the JSON form alone shows it.

The order is that of `startTimeSeconds`, then of `sentenceIndex`, then of the array. A sentence
without a start stays behind the one before it by `sentenceIndex`, and one without that counts by
its place in the array.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from receiver.lookup.speakers import Speakers, index, one_line

# Twilio takes eight hours of audio at most (error 17555): a later time is a mistake, and a
# thousand hours keep it readable.
_LATEST = 1_000 * 60 * 60 * 1_000

# What a viewer needs to notice a caption, and how fast English is spoken. Counting bytes makes up
# for scripts that say more with each character: they take more bytes for it in UTF-8.
_SHORTEST = 1_000
_BYTES_PER_SECOND = 15

# Word of an end time is all that Twilio gives, not its name; these are in seconds beyond doubt.
_END_NAMES = ("endTimeSeconds", "endSeconds", "stopTimeSeconds")


class Cue(NamedTuple):
    """One sentence: its times in milliseconds, `end` after `start`; its texts on one line."""

    start: int
    end: int
    speaker: str
    text: str


class _Sentence(NamedTuple):
    place: int
    start: int | None
    end: int | None
    speaker: str
    text: str


def cues(document: Mapping[str, Any]) -> list[Cue]:
    """Return the cues of a callback's document in its flat shape, by ascending start."""
    sentences = _in_order(_spoken(document))
    starts = _starts(sentences)
    ends = _ends(sentences, starts, _milliseconds(document.get("duration")))

    return [
        Cue(start, end, sentence.speaker, sentence.text)
        for sentence, start, end in zip(sentences, starts, ends, strict=True)
    ]


def array(document: Mapping[str, Any], member: str) -> list[Any]:
    """Return the document's array of that name; an empty one if it isn't there or is none."""
    value = document.get(member)

    return value if isinstance(value, list) else []


def _spoken(document: Mapping[str, Any]) -> Iterator[_Sentence]:
    speakers = Speakers(array(document, "participants"))
    for position, item in enumerate(array(document, "sentences")):
        text = one_line(item.get("text")) if isinstance(item, Mapping) else ""
        if not text:
            continue
        place = index(item.get("sentenceIndex"))
        yield _Sentence(
            position if place is None else place,
            _milliseconds(item.get("startTimeSeconds")),
            next((end for name in _END_NAMES if (end := _milliseconds(item.get(name)))), None),
            speakers.of(item),
            text,
        )


def _in_order(spoken: Iterator[_Sentence]) -> list[_Sentence]:
    told = 0
    keyed = []
    for sentence in sorted(spoken, key=attrgetter("place")):
        told = told if sentence.start is None else sentence.start
        keyed.append((told, sentence))

    return [sentence for _, sentence in sorted(keyed, key=itemgetter(0))]


def _starts(sentences: Sequence[_Sentence]) -> list[int]:
    """Return the starts, none before the one ahead of it.

    A sentence without a start begins where the one before it ends, but no later than the next
    that has one.
    """
    starts = []
    free = 0
    for sentence, limit in zip(sentences, _limits(sentences), strict=True):
        start = min(free, limit) if sentence.start is None else sentence.start
        starts.append(start)
        free = _told_end(sentence, start) or start + _speaking_time(sentence.text)

    return starts


def _limits(sentences: Sequence[_Sentence]) -> list[int]:
    """Return for each sentence the first start told from there on."""
    backwards = accumulate(
        reversed(sentences), lambda limit, s: limit if s.start is None else s.start, initial=_LATEST
    )

    return list(backwards)[:0:-1]


def _ends(sentences: Sequence[_Sentence], starts: Sequence[int], over: int | None) -> list[int]:
    """Return the ends, as told or else inferred; none can come before its start.

    An inferred end leaves the time to speak the text, so that no caption stays through a silence.
    The next later start cuts it short, or the end of the job, `over`, but never below _SHORTEST.
    """
    ends = []
    following = later = over or 0
    for sentence, start in zip(reversed(sentences), reversed(starts), strict=True):
        if start < following:
            later = following
        following = start
        natural = start + _speaking_time(sentence.text)
        inferred = max(start + _SHORTEST, min(natural, later)) if start < later else natural
        ends.append(_told_end(sentence, start) or inferred)

    return ends[::-1]


def _told_end(sentence: _Sentence, start: int) -> int | None:
    return sentence.end if sentence.end is not None and sentence.end > start else None


def _speaking_time(text: str) -> int:
    return max(_SHORTEST, len(text.encode()) * 1_000 // _BYTES_PER_SECOND)


def _milliseconds(seconds: object) -> int | None:
    """Return the time in whole milliseconds, brought into range; None for what is no number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None

    # With the 0 in front, NaN gives 0 as well.
    return round(min(max(0, seconds), _LATEST // 1_000) * 1_000)
