"""Answers one request of the search: finds matches, reads what was said, chooses sentences."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection

from receiver.lookup.sentences import Sentence
from receiver.runtime.reader_limits import RENDERING_WAIT_TIMEOUT_SECONDS
from receiver.search.hits import Hit, Match, find_ranges, read_spoken
from receiver.search.parts import WEIGHTS
from receiver.services import services
from receiver.store.audit.access import Route
from receiver.store.audit.matches import MatchedText, read_matches
from receiver.store.page import Cursor, Page, Span
from receiver.store.search.highlight import choose_sentences
from receiver.store.search.matches import Search, find_matches
from receiver.store.search.progress import indexed_through
from receiver.store.search.query import ParsedQuery, parse_query
from receiver.web.arguments import invalid_arguments
from receiver.web.audit import describe_access
from receiver.web.auth import visible_account
from receiver.web.database import query, query_bounded
from schemas.search import MAX_HIGHLIGHTS


class Answer(NamedTuple):
    """The hits of a page, the page as it was read, and how far the index was before that."""

    hits: list[Hit]
    page: Page
    indexed_through: datetime | None


class _Found(NamedTuple):
    queries: Sequence[ParsedQuery]
    page: Page
    indexed_through: datetime | None


def find_hits(words: str, role: str | None, span: Span) -> Answer:
    """Return a page of hits for the words; with a role, only what its speakers said counts.

    Raises StatementTimeoutError, ProblemError 400, TooBusyError or DatabaseUnavailableError.
    """
    found = query_bounded(services().limits.list_seconds, _find, words, role, span)
    texts, page = _read_texts(found.page)
    with services().limits.renderings.hold(RENDERING_WAIT_TIMEOUT_SECONDS):
        matches = _decode(found, texts, role)

    return Answer(_make_hits(found, matches), page, found.indexed_through)


def _find(connection: Connection, words: str, role: str | None, span: Span) -> _Found:
    """Return the page of matches. The time is read first: the index may only have more."""
    through = indexed_through(connection)
    queries = parse_query(connection, words)
    if not queries:
        raise invalid_arguments({"q": ["Has no word that a transcript must contain."]})
    weight = None if role is None else WEIGHTS[role]
    wanted = Search(queries=queries, weight=weight, account_id=visible_account())

    return _Found(queries, find_matches(connection, wanted, span), through)


def _read_texts(page: Page) -> tuple[Sequence[MatchedText], Page]:
    """Return the texts of the page, and the page as it is returned: it may be cut short.

    The pages of a search are read forward only.
    """
    page = replace(page, previous=None)
    if not page.rows:
        return [], page
    rows = {row["id"]: row for row in page.rows}
    access = describe_access(Route.SEARCH, "json", status=200)
    texts = query(read_matches, list(rows), account_id=visible_account(), access=access)
    if texts and texts[-1].is_cut:
        last = rows[texts[-1].job_id]
        page = replace(page, next=Cursor(at=last["sort_at"], id=last["id"], backward=False))

    return texts, page


def _decode(found: _Found, texts: Sequence[MatchedText], role: str | None) -> list[Match]:
    """Return what was said in each text, in the order of the texts."""
    configs = {row["id"]: row["config"] for row in found.page.rows}
    pause = services().limits.pacer.pause_if_due

    return [
        Match(
            text.job_id,
            text.conversation_url,
            configs[text.job_id],
            read_spoken(text.body, role=role, pause=pause),
        )
        for text in texts
    ]


def _make_hits(found: _Found, matches: Sequence[Match]) -> list[Hit]:
    """Return the hits in the order of the matches; a match without such a sentence has none."""
    spoken = [(match, sentence) for match in matches for sentence in match.sentences]
    if not spoken:
        return []
    texts = [match.text for match in matches]
    seconds = services().limits.list_seconds
    chosen = query_bounded(seconds, choose_sentences, found.queries, texts)

    return [_make_hit(*spoken[number], headline) for number, headline in sorted(chosen)]


def _make_hit(match: Match, sentence: Sentence, headline: str) -> Hit:
    ranges = find_ranges(headline, sentence.text)

    return Hit(match, sentence, list(islice(ranges, MAX_HIGHLIGHTS)))
