"""Parses a search query, in each text search configuration that the index has."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

# The index leads from each configuration to the next one, so it isn't read as a whole. `simple` is
# always among them: it shows whether the query has a word.
_PARSE = text("""
WITH RECURSIVE used AS (
    (SELECT config FROM transcript_index ORDER BY config LIMIT 1)
    UNION ALL
    SELECT (
        SELECT i.config FROM transcript_index AS i WHERE i.config > used.config
        ORDER BY i.config LIMIT 1
    )
    FROM used WHERE used.config IS NOT NULL
), parsed AS MATERIALIZED (
    SELECT config, websearch_to_tsquery(CAST(config AS regconfig), :query) AS query
    FROM (
        SELECT config FROM used WHERE config IS NOT NULL UNION SELECT 'simple' COLLATE "C"
    ) AS configs (config)
)
SELECT config, query::text AS query, querytree(query) AS positive FROM parsed ORDER BY config
""")
# What `querytree` returns of a query without words, and of one that only excludes words.
_WITHOUT_WORDS = {"", "T"}
_PHRASE = re.compile(r" <(?:-|[0-9]+)> ")


class ParsedQuery(NamedTuple):
    """A query of Postgres (`tsquery`) in the terms of one configuration."""

    config: str
    query: str
    positive: str  # the query without the words that it excludes

    @property
    def words(self) -> str:
        """The query without the order of its words: the index alone can answer that."""
        return _PHRASE.sub(" & ", self.query)

    @property
    def has_phrase(self) -> bool:
        """Whether the positions of words matter."""
        return _PHRASE.search(self.query) is not None


def parse_query(connection: Connection, query: str) -> Sequence[ParsedQuery]:
    """Return the query in each configuration; an empty list if no index can answer it.

    That is a query without words, or one that some transcripts match by what they don't contain.
    """
    parsed = [ParsedQuery(*row) for row in connection.execute(_PARSE, {"query": query})]

    return [] if any(each.positive in _WITHOUT_WORDS for each in parsed) else parsed
