"""Tests of what an erasure leaves of the words of a call."""

from sqlalchemy import Engine

from receiver.privacy.verify import Occurrence, verify
from receiver.store.erasure.places import PLACES
from receiver.store.tables import transcript_index
from tests.support.erasures import erase_target, target_of
from tests.support.retention import rows
from tests.support.searching import index, record_spoken


def _find(engine: Engine, value: str) -> list[Occurrence]:
    found = verify(engine, value, spool=None, report=lambda _place, _rows: None)

    return [finding for finding in found if finding.place == "transcript_index.vector"]


def test_words_are_found_until_they_are_erased(engine: Engine) -> None:
    """`erase verify` finds a name in the index whatever its stem is, and nothing after erasing."""
    record_spoken(engine, "job_1", "I am Mary Weatherby.", "And I am Mario.")
    record_spoken(engine, "job_2", "I spoke to Mary before.")
    index(engine)
    [first, second] = rows(engine, "SELECT array_agg(id ORDER BY job_id) FROM transcript_index")[0][
        0
    ]
    place = f"{transcript_index.name}.{PLACES[transcript_index][0]}"
    assert _find(engine, "Mary Weatherby") == [Occurrence(place, first)]
    assert _find(engine, "Mary") == [Occurrence(place, first), Occurrence(place, second)]
    assert _find(engine, "Maria") == []
    erase_target(engine, target_of("job", 1))
    assert _find(engine, "Mary") == [Occurrence(place, second)]
    assert index(engine) == {"unchanged": 1}
