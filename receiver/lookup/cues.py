"""Makes cues of a callback's sentences: each with speaker, start and end, in spoken order.

Times that are missing or impossible are inferred.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from receiver.lookup.sentences import MAX_TIME_MS, Sentence, read_sentences, to_milliseconds

# How long a viewer needs to notice a caption, and how fast English is spoken. The unit is bytes:
# scripts with more meaning in each character also need more bytes for it in UTF-8.
_MIN_CUE_MS = 1_000
_SPOKEN_BYTES_PER_SECOND = 15


class Cue(NamedTuple):
    """One sentence. `end_ms` is after `start_ms`; speaker and text have one line each."""

    start_ms: int
    end_ms: int
    speaker: str
    text: str


def extract_cues(document: Mapping[str, Any]) -> list[Cue]:
    """Return the cues of a document in the flat shape, by ascending start."""
    sentences = read_sentences(document)
    starts = _starts(sentences)
    ends = _ends(sentences, starts, to_milliseconds(document.get("duration")))

    return [
        Cue(start, end, sentence.speaker, sentence.text)
        for sentence, start, end in zip(sentences, starts, ends, strict=True)
    ]


def _starts(sentences: Sequence[Sentence]) -> list[int]:
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


def _next_starts(sentences: Sequence[Sentence]) -> list[int]:
    """Return for each sentence the first given start at or after it."""
    backwards = accumulate(
        reversed(sentences),
        lambda limit, sentence: limit if sentence.start_ms is None else sentence.start_ms,
        initial=MAX_TIME_MS,
    )

    return list(backwards)[:0:-1]


def _ends(
    sentences: Sequence[Sentence], starts: Sequence[int], duration_ms: int | None
) -> list[int]:
    """Return the ends, as given or inferred; each is after its start.

    An inferred end is the start plus the time to speak the text, so no caption stays during a
    silence. It is not after the next start that is later, or the end of the job, but at least
    _MIN_CUE_MS after its own start.
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


def _given_end(sentence: Sentence, start_ms: int) -> int | None:
    end_ms = sentence.end_ms

    return end_ms if end_ms is not None and end_ms > start_ms else None


def _speaking_time(text: str) -> int:
    """Return in milliseconds how long it takes to speak the text."""
    return max(_MIN_CUE_MS, len(text.encode()) * 1_000 // _SPOKEN_BYTES_PER_SECOND)
