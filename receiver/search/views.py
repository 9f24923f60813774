"""The view of the search."""

import unicodedata
from typing import Any

from flask import Response

from receiver.lookup.paging import Collection, PageRequest
from receiver.search.find import find_hits
from receiver.search.hits import Hit
from receiver.search.languages import has_word_breaks, lower_case
from receiver.services import services
from receiver.store.statement_timeout import StatementTimeoutError
from receiver.web.arguments import invalid_arguments
from receiver.web.job_view import job_links
from receiver.web.problems import ProblemError
from receiver.web.responses import make_conditional, render
from schemas.search import HitList, SearchQuery, SearchToken

_HITS = Collection(key="hits", query=SearchQuery(), token=SearchToken())
_LIST = HitList()


def search() -> Response:
    """Search the transcripts; the newest jobs come first, each with one sentence."""
    if not services().settings.search:
        raise ProblemError(404, "The search is off; set SEARCH=1.")
    page_request = _HITS.parse_request()
    words, role = _words(page_request), page_request.filters.get("speaker")
    try:
        hits, page, indexed_through = find_hits(words, role, page_request.span)
    except StatementTimeoutError:
        raise ProblemError(
            422,
            "The search took too long. Search for rarer words, or for fewer. If every search takes "
            "too long, the database is busy.",
        ) from None
    meta = {**_HITS.page_meta(page_request, page), "page_size": len(hits)}
    members = {"hits": [_describe(hit) for hit in hits], "meta": meta}

    return make_conditional(render(_LIST, **members, indexed_through=indexed_through))


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

    return lower_case(unicodedata.normalize("NFC", words))


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
