"""Tests of long transcripts, which the index has in parts."""

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from receiver.lookup.sentences import Sentence
from receiver.search.parts import MAX_PART_WORDS, divide
from tests.support.retention import rows
from tests.support.searching import find, found, index, record_spoken

_SPEAKERS = st.sampled_from(["CUSTOMER", "HUMAN_AGENT", "AI_AGENT", "", "SUPERVISOR"])
_TEXTS = st.lists(st.sampled_from(["a", "b-c", "it's", "d, e"]), min_size=1).map(" ".join)


def test_words_of_all_parts_are_found(client: FlaskClient, engine: Engine) -> None:
    """A transcript with more words than a vector has positions is found by any of its words."""
    filler = "so and so " * 100
    fillers = [filler] * 60
    assert len(fillers) * 300 > MAX_PART_WORDS
    record_spoken(engine, "job", "Alpha beta.", *fillers, "Psi omega.")
    assert index(engine) == {"indexed": 1}
    assert rows(engine, "SELECT array_agg(part ORDER BY part) FROM transcript_index") == [
        ([0, 1, 2],)
    ]
    is_found = {
        "alpha omega": True,
        "alpha -omega": False,
        "alpha -gamma": True,
        '"psi omega"': True,
        '"beta psi"': False,
        "so": True,
        '"so and so"': True,
    }
    assert {query: found(client, query) == ["job"] for query in is_found} == is_found
    assert found(client, "omega", speaker="HUMAN_AGENT") == ["job"]
    assert found(client, "omega", speaker="CUSTOMER") == []
    assert find(client, "omega psi")["hits"][0]["sentence"] == "Psi omega."


def test_too_many_different_words(client: FlaskClient, engine: Engine) -> None:
    """A transcript whose words don't fit into a vector isn't indexed, and stops nothing."""
    words = [f"{number:x}".rjust(60, "x") for number in range(18_000)]
    record_spoken(engine, "odd", "Refund.", " ".join(words))
    record_spoken(engine, "job", "Refund.")
    assert index(engine) == {"not_indexed": 1, "indexed": 1}
    assert found(client, "refund") == ["job"]


@given(st.lists(st.tuples(_SPEAKERS, _TEXTS)), st.integers(1, 10))
def test_parts_have_every_word_once(spoken: list[tuple[str, str]], max_words: int) -> None:
    """The parts have the words of each weight in their order, and the first has those of all."""
    sentences = [Sentence(0, None, None, "", role, text) for role, text in spoken]
    weights = {"CUSTOMER": 0, "HUMAN_AGENT": 1, "AI_AGENT": 2}
    expected = [
        [word for role, text in spoken if weights.get(role, 3) == weight for word in text.split()]
        for weight in range(4)
    ]
    whole, *parts = divide(sentences, max_words=max_words)
    assert [text.split() for text in whole] == expected
    if parts:
        joined = [" ".join(texts).split() for texts in zip(*parts, strict=True)]
        assert joined == expected
        assert len(parts) > 1
