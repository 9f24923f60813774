"""Makes a cue from each sentence of a callback: speaker, start, end and text, in spoken order.

Times that are missing or impossible are inferred.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from receiver.lookup.sentences import MAX_TIME_MS, Sentence, read_sentences, to_milliseconds
from receiver.runtime.pacing import Pause, no_pause, paced

# How long a viewer needs to notice a caption, and how fast English is spoken. The unit is bytes:
# scripts with more meaning in each character also need more bytes for it in UTF-8.
_MIN_CUE_MS = 1_000
_SPOKEN_BYTES_PER_SECOND = 15


class Cue(NamedTuple):
    """What subtitles show for one sentence.

    `end_ms` is after `start_ms`; speaker and text have one line each.
    """

    start_ms: int
    end_ms: int
    speaker: str
    text: str


def extract_cues(document: Mapping[str, Any], pause: Pause = no_pause) -> list[Cue]:
    """Return the cues of a decoded callback (schemas.callback.decode), by ascending start.

    `pause` is called after every few sentences of each step.
    """
    sentences = read_sentences(document, pause)
    starts = _infer_starts(sentences, pause)
    ends = _infer_ends(sentences, starts, to_milliseconds(document.get("duration")), pause)

    return [
        Cue(start, end, sentence.speaker, sentence.text)
        for sentence, start, end in paced(zip(sentences, starts, ends, strict=True), pause)
    ]


def _infer_starts(sentences: Sequence[Sentence], pause: Pause) -> list[int]:
    """Return the starts, in ascending order: as given, or inferred.

    An inferred start is the end of the sentence before, but at most the next given start.
    """
    starts = []
    previous_end = 0
    pairs = zip(sentences, _next_given_starts(sentences), strict=True)
    for sentence, next_start in paced(pairs, pause):
        start = min(previous_end, next_start) if sentence.start_ms is None else sentence.start_ms
        starts.append(start)
        previous_end = _valid_end(sentence, start) or start + _speaking_time_ms(sentence.text)

    return starts


def _next_given_starts(sentences: Sequence[Sentence]) -> list[int]:
    """Return for each sentence its given start, or the next sentence's that has one."""
    starts = []
    next_start = MAX_TIME_MS
    for sentence in reversed(sentences):
        next_start = next_start if sentence.start_ms is None else sentence.start_ms
        starts.append(next_start)

    return starts[::-1]


def _infer_ends(
    sentences: Sequence[Sentence],
    starts: Sequence[int],
    duration_ms: int | None,
    pause: Pause,
) -> list[int]:
    """Return the ends, as given or inferred; each is after its start.

    An inferred end is the start plus the time to speak the text, so no caption stays during a
    silence. It is not after the next start that is later, or the end of the job, but at least
    _MIN_CUE_MS after its own start.
    """
    ends = []
    next_start = next_later_start = duration_ms or 0
    pairs = zip(reversed(sentences), reversed(starts), strict=True)
    for sentence, start in paced(pairs, pause):
        if start < next_start:  # sentences that start together have the same next later start
            next_later_start = next_start
        next_start = start
        inferred = start + _speaking_time_ms(sentence.text)
        if start < next_later_start:
            inferred = max(start + _MIN_CUE_MS, min(inferred, next_later_start))
        ends.append(_valid_end(sentence, start) or inferred)

    return ends[::-1]


def _valid_end(sentence: Sentence, start_ms: int) -> int | None:
    """Return the given end, None if it is missing or not after the start."""
    end_ms = sentence.end_ms

    return end_ms if end_ms is not None and end_ms > start_ms else None


def _speaking_time_ms(text: str) -> int:
    """Return how long it takes to speak the text."""
    return max(_MIN_CUE_MS, len(text.encode()) * 1_000 // _SPOKEN_BYTES_PER_SECOND)
