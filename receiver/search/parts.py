"""Divides a transcript into the parts that the index has rows for."""

import re
from collections.abc import Iterator, Sequence

from receiver.lookup.sentences import Sentence
from receiver.runtime.pacing import Pause, no_pause, paced
from receiver.search.languages import lower_case
from receiver.store.search.matches import Weight
from receiver.store.search.write import Texts

WEIGHTS: dict[str, Weight] = {"CUSTOMER": "A", "HUMAN_AGENT": "B", "AI_AGENT": "C"}
OTHER_WEIGHT: Weight = "D"

# A vector of Postgres has 16,383 positions, and a megabyte for words and positions.
MAX_PART_WORDS = 16_000
MAX_PART_BYTES = 256 * 1024

# Postgres takes what an apostrophe or a hyphen joins for several words.
_WORD = re.compile(r"\w+|-")
_ORDER = "ABCD"

Spoken = tuple[str, str]  # a weight and a word with its punctuation


def divide(
    sentences: Sequence[Sentence], *, max_words: int = MAX_PART_WORDS, pause: Pause = no_pause
) -> list[Texts]:
    """Return the texts of each part; of several parts, the first has the words of all others.

    A part has the texts of each weight together, so a phrase may go on in the next sentence of the
    same speaker.
    """
    parts = [_join(part) for part in _parts(paced(sentences, pause), max_words)]
    if len(parts) == 1:
        return parts
    whole = tuple(" ".join(texts) for texts in zip(*parts, strict=True))

    return [whole, *parts] if parts else [("", "", "", "")]  # type: ignore[list-item]


def _parts(sentences: Iterator[Sentence], max_words: int) -> Iterator[list[Spoken]]:
    """Yield the words of each part."""
    part: list[Spoken] = []
    words = size = 0
    for sentence in sentences:
        weight = WEIGHTS.get(sentence.role, OTHER_WEIGHT)
        for spoken in lower_case(sentence.text).split():
            count, length = len(_WORD.findall(spoken)), len(spoken.encode())
            if part and (words + count > max_words or size + length > MAX_PART_BYTES):
                yield part
                part, words, size = [], 0, 0
            part.append((weight, spoken))
            words, size = words + count, size + length
    if part:
        yield part


def _join(part: Sequence[Spoken]) -> Texts:
    texts: dict[str, list[str]] = {weight: [] for weight in _ORDER}
    for weight, spoken in part:
        texts[weight].append(spoken)
    a, b, c, d = (" ".join(texts[weight]) for weight in _ORDER)

    return a, b, c, d
