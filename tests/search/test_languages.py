"""Tests of the form in which texts are indexed and searched."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from receiver.search.languages import lower_case


@given(st.text())
def test_folded_text_has_as_many_characters(text: str) -> None:
    """Places in the folded text are places in the text, and folding it again changes nothing."""
    assert len(lower_case(text)) == len(text)
    assert lower_case(lower_case(text)) == lower_case(text)


def test_each_character_keeps_its_place() -> None:
    """No character becomes two: the Turkish I with a dot becomes an i."""
    characters = "".join(map(chr, range(sys.maxunicode + 1)))
    assert len(lower_case(characters)) == len(characters)
    assert lower_case("\u0130STANBUL ΟΔΌΣ") == "istanbul οδός"
