"""What the tests of the retention share: old callbacks, and a pass."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from receiver.privacy.retention import Retention, retain

NOW = datetime.now(UTC)
# Bodies are kept for ten days, the rest for thirty.
RETENTION = Retention(bodies=timedelta(days=10), metadata=timedelta(days=30))


def days_ago(days: float) -> datetime:
    """Return the time so many days before the tests began."""
    return NOW - timedelta(days=days)


def run_pass(engine: Engine, retention: Retention = RETENTION) -> Counter[str]:
    """Run a pass, and return what it removed."""
    return sum(retain(engine, retention), Counter())


def rows(engine: Engine, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), parameters)]
