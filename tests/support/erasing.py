"""Callbacks to erase, and what is left of them."""

import json
from typing import Any

from flask import Flask
from sqlalchemy import Table, select

from receiver.services import services_of
from receiver.store.tables import events, metadata
from tests.support.samples import COMPLETED

ADDRESS = "+15551234567"
# A name that only the sample's body, and what is made of it, contains.
SPOKEN = "Jane"


def body(**changes: Any) -> bytes:
    """Return a completed job's callback with these members."""
    return json.dumps({**json.loads(COMPLETED), **changes}).encode()


def rows_of(app: Flask, table: Table) -> list[Any]:
    """Return all rows of a table."""
    with services_of(app).engine.connect() as connection:
        return list(connection.execute(select(table)).all())


def is_stored(app: Flask, text: str) -> bool:
    """Return whether any row of any table contains the text."""
    return any(text in repr(row) for table in metadata.sorted_tables for row in rows_of(app, table))


def bodies(app: Flask) -> list[bytes]:
    """Return the bodies in the ledger."""
    return [row.body for row in rows_of(app, events) if row.body is not None]
