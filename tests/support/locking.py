"""Locked jobs: a write fails with the lock timeout's error, but immediately."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

LOCK = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE lock_not_available;
END $$;
CREATE TRIGGER locked BEFORE INSERT OR UPDATE ON transcriptions
FOR EACH ROW WHEN (NEW.id IN ({jobs})) EXECUTE FUNCTION refuse()
"""


@contextmanager
def lock_jobs(engine: Engine, *jobs: str) -> Iterator[None]:
    """Let every write of these jobs fail until the block ends."""
    names = ", ".join(f"'{job}'" for job in jobs)
    with engine.connect() as connection:
        connection.execute(text(LOCK.format(jobs=names)))
    try:
        yield
    finally:
        with engine.connect() as connection:
            connection.execute(text("DROP FUNCTION refuse CASCADE"))
