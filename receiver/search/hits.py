"""Chooses for each match the sentence to show, and where in it the words of the query are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from receiver.lookup.sentences import Sentence, read_sentences
from receiver.runtime.pacing import Pause
from receiver.search.languages import fold
from receiver.store.search.highlight import START, STOP, Marked
from schemas.callback import UndecodableError, decode

_HIGHLIGHTED = re.compile(f"{START}([^{STOP}]*){STOP}")


class Candidate(NamedTuple):
    """A sentence that a hit may show."""

    job_id: str
    config: str
    sentence: Sentence

    @property
    def searched(self) -> tuple[str, str]:
        """The configuration, and the text in the form in which it was indexed."""
        return self.config, fold(self.sentence.text)


class Shown(NamedTuple):
    """The sentence that is shown, and the ranges of the query's words in its characters."""

    sentence: Sentence
    highlights: list[tuple[int, int]]


def read_candidates(
    job_id: str, config: str, body: bytes, *, role: str | None, pause: Pause
) -> list[Candidate]:
    """Return the sentences of a body; with a role, only what its speakers said."""
    try:
        document: Mapping[str, Any] = decode(body)
        sentences = read_sentences(document, pause)
    except (UndecodableError, RecursionError):  # it couldn't have been indexed either
        return []

    return [
        Candidate(job_id, config, sentence)
        for sentence in sentences
        if role is None or sentence.role == role
    ]


def choose(candidates: Sequence[Candidate], marked: Sequence[Marked]) -> dict[str, Shown]:
    """Return the sentence for each job: the first with the most words of the query.

    A sentence that matches the query alone comes before all others. `marked` has the candidates'
    numbers, ascending.
    """
    chosen = {}
    for job_id, group in groupby(marked, key=lambda each: candidates[each.number].job_id):
        best = max(group, key=_rank)  # of equal ones, the first
        sentence = candidates[best.number].sentence
        chosen[job_id] = Shown(sentence, list(_ranges(best.headline)))

    return chosen


def _rank(marked: Marked) -> tuple[bool, int]:
    return marked.is_match, len(set(_HIGHLIGHTED.findall(marked.headline)))


def _ranges(headline: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each highlight, without counting the marks."""
    for number, found in enumerate(_HIGHLIGHTED.finditer(headline)):
        start = found.start() - 2 * number
        yield start, start + len(found[1])
