"""Finds the jobs that match a query, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from receiver.store.page import EARLIEST, LATEST, Order, Page, Span, read_page
from receiver.store.search.query import ParsedQuery
from receiver.store.tables import transcript_index, transcriptions

# If this many transcripts have the words, or fewer, all matches are read and sorted. If there are
# more, the transcripts are read in the order of their time: a page of matches is soon found.
MAX_SORTED_MATCHES = 10_000
# The same if each vector has to be read too, which takes twenty times as long.
MAX_SORTED_VECTORS = 1_000

Weight = Literal["A", "B", "C", "D"]

_index, _job = transcript_index.c, transcriptions.c
_COLUMNS = (_index.job_id.label("id"), _index.sort_at, _index.config)
_FIRST, _LAST = (EARLIEST, ""), (LATEST, "")

# The planner doesn't know how long it takes to look into a vector.
_USE_WORDS = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off;"
    "SET LOCAL enable_indexonlyscan = off"
)
_USE_TIME = (
    "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off;SET LOCAL enable_indexscan = on"
)


@dataclass(frozen=True, kw_only=True)
class Search:
    """What to search for."""

    queries: Sequence[ParsedQuery]  # one for each configuration
    weight: Weight | None = None  # what was said with another weight doesn't count
    account_id: str | None = None  # None: jobs of all accounts


def find_matches(
    connection: Connection, search: Search, span: Span, *, max_sorted: int | None = None
) -> Page:
    """Return a page of matches: the job's `id`, `sort_at` and `config`.

    The connection must be in a transaction, whose planner settings this changes. `max_sorted` is
    one of the limits above, unless it is given.
    """
    if max_sorted is None:
        needs_vectors = search.weight or any(query.has_phrase for query in search.queries)
        max_sorted = MAX_SORTED_VECTORS if needs_vectors else MAX_SORTED_MATCHES
    connection.exec_driver_sql(_USE_WORDS)
    is_common = _count_candidates(connection, search.queries, max_sorted + 1) > max_sorted
    if is_common:
        connection.exec_driver_sql(_USE_TIME)
    statement, order = (_read_by_time if is_common else _read_by_words)(_conditions(search))

    return read_page(connection, statement, order, span)


def _read_by_time(conditions: Sequence[ColumnElement[bool]]) -> tuple[Select[Any], Order]:
    order = Order(at=_index.sort_at, id=_index.job_id, lower=_FIRST, upper=_LAST)

    return select(*_COLUMNS).where(or_(*conditions)), order


def _read_by_words(conditions: Sequence[ColumnElement[bool]]) -> tuple[Select[Any], Order]:
    """Return the union of a statement for each configuration.

    In a single one, Postgres would read the vectors to find out which condition a row meets.
    """
    found = union_all(*(select(*_COLUMNS).where(each) for each in conditions)).subquery()
    order = Order(at=found.c.sort_at, id=found.c.id, lower=_FIRST, upper=_LAST, is_indexed=False)

    return select(found), order


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    """Return for each configuration the condition that a row of the index matches."""
    conditions = [_condition(query, search.weight) for query in search.queries]
    if search.account_id is None:
        return conditions
    owner = select(_job.account_id).where(_job.id == _index.job_id).scalar_subquery()

    return [and_(condition, owner == search.account_id) for condition in conditions]


def _count_candidates(connection: Connection, queries: Sequence[ParsedQuery], limit: int) -> int:
    """Return how many transcripts have the words, at most `limit`; no vector is read for that."""
    candidates = union_all(
        *(
            select(literal(1)).where(_index.part == 0, _matches(_index.vector, query, query.words))
            for query in queries
        )
    )
    some = candidates.limit(limit).subquery()
    count: int = connection.execute(select(func.count()).select_from(some)).scalar_one()

    return count


def _condition(query: ParsedQuery, weight: Weight | None) -> ColumnElement[bool]:
    """Return the condition that a row of the index matches.

    Part 0 is all of a transcript, but of a long one it has no positions and no weights.
    """
    conditions = [_matches(_index.vector, query, query.query)]
    if weight is not None:
        weights: ColumnElement[Any] = literal_column(f"""'{{{weight.lower()}}}'::"char"[]""")
        conditions.append(_matches(func.ts_filter(_index.vector, weights), query, query.query))
    elif not query.has_phrase:
        conditions.append(_index.part == 0)

    return and_(*conditions)


def _matches(vector: ColumnElement[Any], query: ParsedQuery, wanted: str) -> ColumnElement[bool]:
    is_match = vector.bool_op("@@")(cast(literal(wanted), TSQUERY))

    return and_(_index.config == query.config, is_match)
