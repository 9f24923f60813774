"""Tests of the law of the index: it has the words of the stored transcripts, and no others."""

import json
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from receiver.privacy.retention import Retention
from receiver.store.engine import transactional
from receiver.store.page import Span
from receiver.store.search.matches import Search, find_matches
from receiver.store.search.query import parse_query
from tests.support.callback_events import NOON
from tests.support.erasures import erase_target, target_of
from tests.support.retention import REMOVE_ALL, execute, rows, run_pass
from tests.support.searching import index, record_spoken
from tests.support.stored_callbacks import truncate

WORDS = ("alpha", "bravo", "charlie")
NUMBERS = range(3)
NOT_SEARCHED = "ja-JP"
_BODIES_ONLY = Retention(bodies=timedelta())

_STORED = text("""
SELECT t.id, convert_from(e.body, 'UTF8') AS body FROM transcriptions AS t
JOIN events AS e ON e.sha256 = t.transcript_sha256
WHERE t.erased_at IS NULL AND e.body IS NOT NULL AND language <> :not_searched
""")
# Rows of the index that must not be there at any moment.
_FORBIDDEN = """
SELECT job_id FROM transcript_index AS i WHERE NOT EXISTS (
    SELECT FROM transcriptions AS t JOIN events AS e ON e.job_id = t.id
    WHERE t.id = i.job_id AND t.erased_at IS NULL
        AND e.sha256 = i.source_sha256 AND e.body IS NOT NULL
)
"""
_ACCIDENTS = {
    "the progress is lost": "DELETE FROM search_progress",
    "the rows are of another version": (
        "UPDATE search_progress SET version = 0; UPDATE transcript_index SET version = 0"
    ),
    "the database is restored": "UPDATE search_progress SET cursor = 'of another history'",
}
_STEPS = st.one_of(
    st.tuples(
        st.just("say"),
        st.sampled_from(NUMBERS),
        st.sets(st.sampled_from(WORDS), min_size=1, max_size=2),
        st.sampled_from(["en-US", "de-DE", "pl-PL", NOT_SEARCHED]),
    ),
    st.tuples(st.just("index"), st.booleans()),
    st.tuples(st.just("erase"), st.sampled_from(NUMBERS)),
    st.tuples(st.sampled_from(["expire", "remove", *_ACCIDENTS])),
)


class _World:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._minutes = count()

    def step(self, name: str, *arguments: Any) -> None:
        match (name, *arguments):
            case ("say", number, words, language):
                self._say(number, words, language)
            case ("index", is_killed):
                self._index(is_killed=is_killed)
            case ("erase", number):
                if rows(self._engine, f"SELECT 1 FROM transcriptions WHERE id = 'job_{number}'"):
                    erase_target(self._engine, target_of("job", number))
            case ("expire",):
                run_pass(self._engine, _BODIES_ONLY)
            case ("remove",):
                run_pass(self._engine, REMOVE_ALL)
            case (accident,):
                execute(self._engine, _ACCIDENTS[accident])

    def _say(self, number: int, words: set[str], language: str) -> None:
        """Record a transcript that is newer than all others; one of an erased job is absorbed."""
        updated_at = NOON + timedelta(minutes=next(self._minutes))
        spoken = " ".join(sorted(words))
        members = {"language": language, "updatedAt": updated_at.isoformat()}
        record_spoken(self._engine, f"job_{number}", spoken, **members)

    def _index(self, *, is_killed: bool) -> None:
        """Index, or do so without storing how far."""
        before = rows(self._engine, "SELECT version, cursor FROM search_progress")
        index(self._engine)
        if is_killed:
            execute(self._engine, "DELETE FROM search_progress")
            for version, cursor in before:
                values = f"VALUES ({version}, '{cursor}')"
                execute(self._engine, f"INSERT INTO search_progress (version, cursor) {values}")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_STEPS, min_size=3, max_size=12))
def test_search_finds_what_is_stored(engine: Engine, steps: list[tuple[Any, ...]]) -> None:
    """After any history, each word finds exactly the jobs in whose stored transcript it is.

    At no moment does the index have words of a transcript that isn't stored any more.
    """
    truncate(engine)
    world = _World(engine)
    for step in steps:
        world.step(*step)
        assert rows(engine, _FORBIDDEN) == [], step
    index(engine)
    with transactional(engine).connect() as connection:
        stored = connection.execute(_STORED, {"not_searched": NOT_SEARCHED}).all()
        said = {row.id: json.loads(row.body)["sentences"][0]["text"].split() for row in stored}
        for word in WORDS:
            expected = {job for job, words in said.items() if word in words}
            assert _find(connection, word) == expected
    assert index(engine).keys() <= {"unchanged"}


def _find(connection: Connection, word: str) -> set[str]:
    wanted = Search(queries=parse_query(connection, word))
    page = find_matches(connection, wanted, Span(size=50))

    return {row["id"] for row in page.rows}
