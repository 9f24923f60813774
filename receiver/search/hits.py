"""Makes the hits of matches: the sentence to show, and where in it the words of the query are."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from receiver.lookup.sentences import Sentence, read_sentences
from receiver.runtime.pacing import Pause
from receiver.search.languages import lower_case
from receiver.store.search.highlight import START, STOP, SearchedText
from schemas.callback import UndecodableError, decode

_MARKED = re.compile(f"{START}([^{STOP}]*){STOP}")


class Match(NamedTuple):
    """A job that matches, and what was said in it."""

    job_id: str
    conversation_url: str | None
    config: str
    sentences: list[Sentence]

    @property
    def text(self) -> SearchedText:
        """The sentences in the form in which they were indexed."""
        return SearchedText(self.config, [lower_case(sentence.text) for sentence in self.sentences])


class Hit(NamedTuple):
    """A match, the sentence that is shown, and the ranges of the query's words in it."""

    match: Match
    sentence: Sentence
    highlights: list[tuple[int, int]]


def read_spoken(body: bytes, *, role: str | None, pause: Pause) -> list[Sentence]:
    """Return the sentences of a body; with a role, only what its speakers said."""
    try:
        sentences = read_sentences(decode(body), pause)
    except (UndecodableError, RecursionError):  # it couldn't have been indexed either
        return []

    return [each for each in sentences if role is None or each.role == role]


def find_ranges(headline: str, sentence: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each marked word in the sentence.

    It yields nothing if Postgres left out a word, as it does with one of more than two kilobytes.
    """
    if len(headline) - headline.count(START) - headline.count(STOP) != len(sentence):
        return
    for number, found in enumerate(_MARKED.finditer(headline)):
        start = found.start() - 2 * number
        yield start, start + len(found[1])
