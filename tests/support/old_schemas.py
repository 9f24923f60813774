"""Earlier versions of the schema, for the tests of the migrations."""

from sqlalchemy import Engine, text

_TO_0006 = r"""
DROP TABLE audit, metric_counts, metric_workers, metric_figures, push_endpoints, transcript_index,
    search_progress;
DO $$
DECLARE name text;
BEGIN
    -- The configurations go with their dictionaries.
    FOR name IN SELECT dictname FROM pg_ts_dict WHERE dictname LIKE 'transcript\_%' LOOP
        EXECUTE format('DROP TEXT SEARCH DICTIONARY %I CASCADE', name);
    END LOOP;
END $$;
DROP INDEX transcriptions_account, transcriptions_address_1, transcriptions_address_2,
    transcriptions_updated, transcriptions_received;
UPDATE alembic_version SET version_num = '0006'
"""

_TO_0005 = """
DROP INDEX transcriptions_source, transcriptions_conversation, transcriptions_language;
CREATE INDEX transcriptions_source ON transcriptions (source_id, sort_at, id);
CREATE INDEX transcriptions_conversation ON transcriptions (conversation_id, sort_at, id);
CREATE INDEX transcriptions_language ON transcriptions (language, sort_at, id);
UPDATE alembic_version SET version_num = '0005'
"""

_TO_0004 = """
ALTER TABLE transcriptions DROP ended_at, DROP transcript_source;
DROP INDEX transcriptions_conversation_to_come; DROP TABLE watches, passes;
UPDATE alembic_version SET version_num = '0004'
"""


def return_to_0006(engine: Engine) -> None:
    """Change the current schema back to version 0006."""
    with engine.connect() as connection:
        connection.execute(text(_TO_0006))


def return_to_0005(engine: Engine) -> None:
    """Change the current schema back to version 0005.

    The column `additional` stays, because the tests record callbacks with the current code.
    """
    return_to_0006(engine)
    with engine.connect() as connection:
        connection.execute(text(_TO_0005))


def return_to_0004(engine: Engine) -> None:
    """Change the current schema back to version 0004."""
    return_to_0005(engine)
    with engine.connect() as connection:
        connection.execute(text(_TO_0004))
