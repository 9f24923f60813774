"""Marks the words of a query in sentences, with the parser and the dictionaries of the index."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ARRAY, Connection, Text, bindparam, text

from receiver.store.search.query import ParsedQuery

# Sentences have one line each, without control characters.
START, STOP = "\x02", "\x03"
_OPTIONS = f'StartSel="{START}", StopSel="{STOP}", HighlightAll=true'

_HIGHLIGHT = text("""
WITH query AS MATERIALIZED (
    SELECT config, CAST(config AS regconfig) AS config_id,
        CAST(query AS tsquery) AS query, CAST(positive AS tsquery) AS positive
    FROM unnest(:query_configs, :queries, :positives) AS given (config, query, positive)
), marked AS MATERIALIZED (
    SELECT number, config_id, query, sentence,
        ts_headline(config_id, sentence, positive, :options) AS headline
    FROM unnest(:configs, :sentences) WITH ORDINALITY AS given (config, sentence, number)
    JOIN query USING (config)
)
SELECT number - 1, headline, to_tsvector(config_id, sentence) @@ query AS is_match
FROM marked WHERE headline <> sentence ORDER BY number
""").bindparams(
    *(
        bindparam(name, type_=ARRAY(Text))
        for name in ("query_configs", "queries", "positives", "configs", "sentences")
    )
)


class Marked(NamedTuple):
    """A sentence with words of the query, each between START and STOP.

    `number` is the sentence's place among those that were given. It `is_match` if it matches the
    query alone.
    """

    number: int
    headline: str
    is_match: bool


def highlight(
    connection: Connection, queries: Sequence[ParsedQuery], sentences: Sequence[tuple[str, str]]
) -> list[Marked]:
    """Return the sentences, each given with its configuration, that have a word of the query."""
    values = {
        "query_configs": [query.config for query in queries],
        "queries": [query.query for query in queries],
        "positives": [query.positive for query in queries],
        "configs": [config for config, _ in sentences],
        "sentences": [sentence for _, sentence in sentences],
        "options": _OPTIONS,
    }

    return [Marked(*row) for row in connection.execute(_HIGHLIGHT, values)]
