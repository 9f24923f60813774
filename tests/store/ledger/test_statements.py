"""Tests of the statement that records callbacks."""

from receiver.store.ledger.statements import RECORD_NEWEST

# psycopg keeps the result of parsing a statement if it isn't longer.
MAX_KEPT_STATEMENT_BYTES = 4096


def test_the_driver_parses_the_statement_once() -> None:
    """The statement is short enough: the driver parses a longer one again for each batch."""
    assert len(RECORD_NEWEST.encode()) <= MAX_KEPT_STATEMENT_BYTES
