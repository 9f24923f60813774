"""The search: text search configurations without stop words, and the index of the transcripts."""

from alembic import op

revision = "0014"
down_revision = "0013"

# Those that Postgres has from version 16 on.
_LANGUAGES = (
    *("arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish"),
    *("french", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian"),
    *("lithuanian", "nepali", "norwegian", "portuguese", "romanian", "russian", "serbian"),
    *("spanish", "swedish", "tamil", "turkish", "yiddish"),
)
# They have the English dictionary for words of ASCII letters.
_WITH_ENGLISH = ("hindi", "russian")


def upgrade() -> None:
    """Create all of it in the schema of the tables; nothing existing is touched."""
    for language in _LANGUAGES:
        _create_configuration(language)
    op.execute("""
        CREATE TABLE transcript_index (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            job_id text COLLATE "C" NOT NULL,
            part smallint NOT NULL,
            config text COLLATE "C" NOT NULL,
            vector tsvector NOT NULL,
            sort_at timestamptz NOT NULL,
            source_sha256 bytea NOT NULL,
            version integer NOT NULL
        );
        CREATE UNIQUE INDEX transcript_index_part ON transcript_index (job_id, part);
        CREATE INDEX transcript_index_newest ON transcript_index (sort_at, job_id);
        CREATE INDEX transcript_index_config ON transcript_index (config);
        CREATE INDEX transcript_index_vector ON transcript_index
            USING gin (vector) WITH (fastupdate = off);

        CREATE TABLE search_progress (
            is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
            version integer NOT NULL,
            cursor text,
            began_at timestamptz,
            indexed_through timestamptz
        );
    """)


def _create_configuration(language: str) -> None:
    """Copy Postgres's configuration of the language; its dictionary has no stop words."""
    name = f"transcript_{language}"
    op.execute(f"""
        CREATE TEXT SEARCH DICTIONARY {name}
            (TEMPLATE = pg_catalog.snowball, LANGUAGE = {language});
        CREATE TEXT SEARCH CONFIGURATION {name} (COPY = pg_catalog.{language});
        ALTER TEXT SEARCH CONFIGURATION {name}
            ALTER MAPPING REPLACE pg_catalog.{language}_stem WITH {name};
    """)
    if language in _WITH_ENGLISH:
        op.execute(f"""
            ALTER TEXT SEARCH CONFIGURATION {name}
                ALTER MAPPING REPLACE pg_catalog.english_stem WITH transcript_english
        """)
