"""Chooses a sentence of each text, and marks the words of the query in it.

Both are done with the parser and the dictionaries that made the index.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ARRAY, Connection, Integer, Text, bindparam, text

from receiver.store.search.query import ParsedQuery

# Sentences have one line each, without control characters.
START, STOP = "\x02", "\x03"
_OPTIONS = f'StartSel="{START}", StopSel="{STOP}", HighlightAll=true'
_MARK = f"{START}([^{STOP}]*){STOP}"

# Only the sentences of each text up to its first match are examined. The words are marked in all of
# them only if none matches. A scan of `said` keeps the order of the array.
_CHOOSE = text("""
WITH query AS MATERIALIZED (
    SELECT config, CAST(config AS regconfig) AS config_id,
        CAST(query AS tsquery) AS query, CAST(positive AS tsquery) AS positive
    FROM unnest(:query_configs, :queries, :positives) AS given (config, query, positive)
), said AS MATERIALIZED (
    SELECT text, sentence, number
    FROM unnest(:texts, :sentences) WITH ORDINALITY AS given (text, sentence, number)
)
SELECT best.number - 1 AS number, best.headline
FROM unnest(:configs) WITH ORDINALITY AS texts (config, number)
JOIN query USING (config)
CROSS JOIN LATERAL (
    (
        SELECT number, ts_headline(config_id, sentence, positive, :options) AS headline
        FROM said WHERE text = texts.number AND to_tsvector(config_id, sentence) @@ query
        LIMIT 1
    )
    UNION ALL
    (
        SELECT number, headline
        FROM (
            SELECT number, ts_headline(config_id, sentence, positive, :options) AS headline
            FROM said WHERE text = texts.number
            OFFSET 0
        ) AS marked
        CROSS JOIN LATERAL (
            SELECT count(DISTINCT word) AS words
            FROM regexp_matches(headline, :mark, 'g') AS found (word)
        ) AS counted
        WHERE words > 0 ORDER BY words DESC, number LIMIT 1
    )
    LIMIT 1
) AS best
""").bindparams(
    *(
        bindparam(name, type_=ARRAY(Text))
        for name in ("query_configs", "queries", "positives", "configs", "sentences")
    ),
    bindparam("texts", type_=ARRAY(Integer)),
    options=_OPTIONS,
    mark=_MARK,
)


class SearchedText(NamedTuple):
    """The sentences of a text, in lower case, and their configuration."""

    config: str
    sentences: Sequence[str]


class Chosen(NamedTuple):
    """The number of a sentence, and the sentence with each word between START and STOP."""

    number: int
    headline: str


def choose_sentences(
    connection: Connection, queries: Sequence[ParsedQuery], texts: Sequence[SearchedText]
) -> list[Chosen]:
    """Return for each text the first sentence that matches the query alone.

    Otherwise it is the first with the most words of the query; a text may have none. The sentences
    of all texts are numbered together, from 0.
    """
    values = {
        "query_configs": [query.config for query in queries],
        "queries": [query.query for query in queries],
        "positives": [query.positive for query in queries],
        "configs": [each.config for each in texts],
        "sentences": [sentence for each in texts for sentence in each.sentences],
        "texts": [number for number, each in enumerate(texts, 1) for _ in each.sentences],
    }

    return [Chosen(*row) for row in connection.execute(_CHOOSE, values)]
