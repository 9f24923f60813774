"""Searches every place that holds personal data for a value: a proof that it is erased."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Engine

from receiver.privacy.target import ending_digits
from receiver.spool.folder import Spool
from receiver.store.erasure.batches import Report
from receiver.store.erasure.places import PLACES
from receiver.store.erasure.search import Needle, Scope, search
from receiver.store.search.words import search_words
from receiver.store.tables import transcript_index

SPOOL = "spool"


class Occurrence(NamedTuple):
    """Where the value was found: a column of a table, or the spool; the row's key, or the file."""

    place: str
    key: Any


def verify(
    engine: Engine, value: str, *, spool: Spool | None, report: Report
) -> Iterator[Occurrence]:
    """Yield each column of a row, and each file of this machine's spool, that contains the value.

    A phone number without its country code is found in every number that ends in its digits.
    Damaged and refused files are searched too. `report` is called with a place and the number of
    rows or files that were searched there. Raises receiver.store.retry.DatabaseUnavailableError, or
    OSError if a file can't be read.
    """
    digits = ending_digits(value)
    needle = Needle.of_ending(value, digits) if digits else Needle.of_text(value)
    for table, columns in PLACES.items():
        if table is not transcript_index:
            yield from _search_table(engine, Scope(table, columns), needle, report)
    yield from _search_words(engine, value, report)
    for name in spool.list_all() if spool else ():
        content = spool.read(name) if spool else None
        report(SPOOL, 1)
        if content is not None and needle.is_in(content):
            yield Occurrence(SPOOL, name)


def _search_words(engine: Engine, value: str, report: Report) -> Iterator[Occurrence]:
    """Search the index of the transcripts, which has no text but stems."""
    name = transcript_index.name
    for key in search_words(engine, value, report=lambda rows: report(name, rows)):
        yield Occurrence(f"{name}.vector", key)


def _search_table(
    engine: Engine, scope: Scope, needle: Needle, report: Report
) -> Iterator[Occurrence]:
    name = scope.table.name
    for hit in search(engine, scope, needle, report=lambda rows: report(name, rows)):
        for column in hit.columns:
            # A key that is the value's own column would show what surrounds the value.
            is_own = scope.table.c[column].primary_key
            yield Occurrence(
                f"{name}.{column}", "(the row's key contains it)" if is_own else hit.key
            )
