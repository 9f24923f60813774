"""The route of the search."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from flask import Blueprint, Response
from sqlalchemy import Connection

from receiver.lookup.paging import Collection, PageRequest
from receiver.runtime.reader_limits import RENDERING_WAIT_SECONDS
from receiver.search.hits import Hit, Match, find_ranges, read_spoken
from receiver.search.languages import fold, has_word_breaks
from receiver.search.parts import WEIGHTS
from receiver.services import services
from receiver.store.audit.access import Route
from receiver.store.audit.matches import MatchedText, read_matches
from receiver.store.page import Cursor, Page, Span
from receiver.store.retry import DatabaseUnavailableError
from receiver.store.search.highlight import choose_sentences
from receiver.store.search.matches import Search, find_matches
from receiver.store.search.progress import indexed_through
from receiver.store.search.query import ParsedQuery, parse_query
from receiver.store.statement_timeout import StatementTimeoutError
from receiver.web.admission import admit
from receiver.web.arguments import invalid_arguments
from receiver.web.audit import describe_access
from receiver.web.auth import require_api_key, visible_account
from receiver.web.database import query, query_bounded
from receiver.web.job_view import job_links
from receiver.web.problems import ProblemError, unavailable
from receiver.web.responses import make_conditional, render
from schemas.search import HitList, SearchQuery, SearchToken

blueprint = Blueprint("search", __name__)
blueprint.before_request(require_api_key)
blueprint.before_request(lambda: admit(services().limits.requests))

_HITS = Collection(key="hits", query=SearchQuery(), token=SearchToken())
_LIST = HitList()


class _Found(NamedTuple):
    queries: Sequence[ParsedQuery]
    page: Page
    indexed_through: datetime | None


@blueprint.get("/v3/Search")
def search() -> Response:
    """Search the transcripts; the newest jobs come first, each with one sentence."""
    if not services().settings.search:
        raise ProblemError(404, "The search is off; set SEARCH=1.")
    page_request = _HITS.parse_request()
    words, role = _words(page_request), page_request.filters.get("speaker")
    try:
        found = query_bounded(services().limits.list_seconds, _find, words, role, page_request.span)
        texts, page = _read_texts(found.page)
        with services().limits.renderings.hold(RENDERING_WAIT_SECONDS):
            hits = _make_hits(found, texts, role)
    except StatementTimeoutError:
        raise ProblemError(
            422, "The search took too long. Search for a rarer word, or for a longer phrase."
        ) from None
    members = {
        "hits": [_describe(hit) for hit in hits],
        "meta": {**_HITS.page_meta(page_request, page), "page_size": len(hits)},
        "indexed_through": found.indexed_through,
    }

    return make_conditional(render(_LIST, **members))


def _words(page_request: PageRequest) -> str:
    """Return the query in the form of the index; raises ProblemError 400 or 422."""
    words: str | None = page_request.filters.get("q")
    if words is None:
        raise invalid_arguments({"q": ["Missing; write the words to search for."]})
    if not has_word_breaks(words):
        raise ProblemError(
            422,
            "Not supported: transcripts in a language without spaces between words (Chinese, "
            "Japanese, Thai, Lao, Khmer, Burmese, Tibetan) are not searched.",
        )

    return fold(unicodedata.normalize("NFC", words))


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


def _make_hits(found: _Found, texts: Sequence[MatchedText], role: str | None) -> list[Hit]:
    """Return the hits in the order of the texts; a text without such a sentence has none."""
    configs = {row["id"]: row["config"] for row in found.page.rows}
    pause = services().limits.pacer.pause_if_due
    matches = [
        Match(
            text.job_id,
            text.conversation_url,
            configs[text.job_id],
            read_spoken(text.body, role=role, pause=pause),
        )
        for text in texts
    ]
    searched = [match.text for match in matches]
    spoken = [(match, sentence) for match in matches for sentence in match.sentences]
    if not spoken:
        return []
    seconds = services().limits.list_seconds
    chosen = query_bounded(seconds, choose_sentences, found.queries, searched)

    return [
        Hit(*spoken[number], list(find_ranges(headline))) for number, headline in sorted(chosen)
    ]


def _describe(hit: Hit) -> dict[str, Any]:
    """Return what the schema Hit renders."""
    match, sentence = hit.match, hit.sentence

    return {
        "transcription_id": match.job_id,
        **job_links(match.job_id, match.conversation_url),
        "sentence": sentence.text,
        "seconds": None if sentence.start_ms is None else sentence.start_ms / 1_000,
        "speaker": sentence.speaker,
        "highlights": hit.highlights,
    }


@blueprint.errorhandler(DatabaseUnavailableError)
def _retry_later(_error: DatabaseUnavailableError) -> Response:
    return unavailable("The database is unavailable; /readyz may say why. Try again.")
