"""Tests of the ranges in which a hit shows the words of the query."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from receiver.lookup.speakers import one_line
from receiver.search.hits import find_ranges
from receiver.search.languages import lower_case
from receiver.store.search.highlight import START, STOP, SearchedText, choose_sentences
from receiver.store.search.query import ParsedQuery

_QUERY = "'a' | 'b' | 'ü' | 'u' | 'a.com'"  # in German, the stem of ü is u
_QUERIES = [ParsedQuery(config, _QUERY, _QUERY) for config in ("simple", "transcript_german")]
# What the parser of Postgres takes for words, tags, entities, addresses, paths and numbers.
_PIECES = st.sampled_from(
    [
        *"abAB01 .,-_/'\"<>&;:@#?!%\\()+=*",
        *("Ü", "İ", "ß", "é", "日", "\u0301", "\u200d", "😀", " a ", " b ", " B. "),
        *("a-b", "http://a.com/a?b", "<b>", "</a>", "&amp;", "a@b.com", "/a/b"),
    ]
)
_SENTENCES = st.lists(_PIECES, max_size=12).map("".join).map(one_line).filter(bool)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_SENTENCES, min_size=1, max_size=20), st.sampled_from(_QUERIES))
def test_ranges_are_exact(engine: Engine, sentences: list[str], query: ParsedQuery) -> None:
    """Whatever the sentence is, its words are marked where they are, and nothing else is changed.

    Each text is one sentence here, so every sentence with a word is shown.
    """
    texts = [SearchedText(query.config, [lower_case(sentence)]) for sentence in sentences]
    with engine.connect() as connection:
        chosen = dict(choose_sentences(connection, _QUERIES, texts))
    for number, sentence in enumerate(sentences):
        if number not in chosen:
            assert not {"a", "b", "ü"} & set(lower_case(sentence).split())
            continue
        headline = chosen[number]
        assert headline.replace(START, "").replace(STOP, "") == lower_case(sentence)
        assert len(lower_case(sentence)) == len(sentence)
        words = [lower_case(sentence[start:end]) for start, end in find_ranges(headline, sentence)]
        assert words
        assert set(words) <= {"a", "b", "ü", "u", "a.com", "b.com", "b-", "a-"}
