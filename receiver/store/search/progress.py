"""How far the change feed is indexed."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert

from receiver.store.tables import search_progress

# Increase it when the same transcript would give different rows: then all are rebuilt.
_FORMAT = 1

_progress = search_progress.c
_SERVER_VERSION = text("SELECT current_setting('server_version_num')::int / 10000")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A place in the feed, and what is indexed by then; see the table `search_progress`."""

    version: int
    cursor: str | None = None
    began_at: datetime | None = None
    indexed_through: datetime | None = None


def load_progress(connection: Connection) -> Progress:
    """Return the progress; that of another version counts as none."""
    version = _current_version(connection)
    columns = [_progress[name] for name in ("cursor", "began_at", "indexed_through")]
    statement = select(*columns).where(_progress.version == version)
    row = connection.execute(statement).mappings().first()

    return Progress(version=version, **(row or {}))


def store_progress(connection: Connection, progress: Progress) -> None:
    """Store the progress. That of another process is no less true, so either may overwrite it."""
    values = asdict(progress)
    statement = insert(search_progress).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["is_only"], set_=values))


def indexed_through(connection: Connection) -> datetime | None:
    """Return the time before which every change is indexed; None before the first sweep ends."""
    statement = select(func.max(_progress.indexed_through))
    through: datetime | None = connection.execute(statement).scalar_one()

    return through


def _current_version(connection: Connection) -> int:
    """Return the version of new rows. The stemmers of another Postgres may be others."""
    server_version: int = connection.execute(_SERVER_VERSION).scalar_one()

    return _FORMAT * 1_000 + server_version
