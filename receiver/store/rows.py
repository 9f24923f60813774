"""Reads many rows as dictionaries."""

from typing import Any

from sqlalchemy import CursorResult


def to_dicts(result: CursorResult[Any]) -> list[dict[str, Any]]:
    """Return all rows of a result by the names of their columns.

    SQLAlchemy's `mappings` takes several calls for each value of a row.
    """
    names = tuple(result.keys())

    return [dict(zip(names, row, strict=True)) for row in result.all()]
