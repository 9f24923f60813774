"""Tests that sentences become cues, in order and with times, however invalid they are."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.lookup.cues import Cue, extract_cues
from tests.support.documents import Document, displayed_texts, hostile, sample, with_sentences


def _times(document: Document) -> list[tuple[int, int]]:
    return [(cue.start_ms, cue.end_ms) for cue in extract_cues(document)]


def _texts(document: Document) -> list[str]:
    return [cue.text for cue in extract_cues(document)]


@settings(deadline=None)
@given(hostile)
def test_each_text_is_one_cue(document: Document) -> None:
    """Each sentence with a text is one cue, and no other is."""
    assert sorted(_texts(document)) == sorted(displayed_texts(document))


@settings(deadline=None)
@given(hostile)
def test_times_ascend(document: Document) -> None:
    """Cues start in ascending order, from zero on, and each ends after its start."""
    times = _times(document)

    assert [start for start, _ in times] == sorted(start for start, _ in times)
    assert all(0 <= start < end for start, end in times)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.floats(0, 60), st.none() | st.floats(0, 60)), max_size=8
    ).flatmap(lambda times: st.permutations(list(enumerate(times))))
)
def test_order_of_the_array_does_not_change_the_cues(
    shuffled: list[tuple[int, tuple[float | None, float | None]]],
) -> None:
    """Sentences with a sentenceIndex each give the same cues in any order."""
    sentences: list[Document] = [
        {"sentenceIndex": n, "startTimeSeconds": start, "endTimeSeconds": end, "text": str(n)}
        for n, (start, end) in shuffled
    ]
    by_index = sorted(sentences, key=lambda sentence: sentence["sentenceIndex"])

    assert extract_cues({"sentences": sentences}) == extract_cues({"sentences": by_index})


@settings(deadline=None)
@given(st.lists(st.integers(0, 60_000), max_size=8))
def test_start_is_used(starts: list[int]) -> None:
    """A sentence's start is its cue's start, to the millisecond."""
    document = with_sentences(*({"startTimeSeconds": start / 1_000} for start in starts))

    assert [start for start, _ in _times(document)] == sorted(starts)


def test_sample_gives_five_cues() -> None:
    """Twilio's sample gives five cues; the first ends at the second's start."""
    first, second, *rest = extract_cues(sample())

    assert first == Cue(
        320, 3_900, "Jane Doe", "Hi, I am calling about the order I placed last Tuesday."
    )
    assert (second.start_ms, second.speaker) == (3_900, "Agent Smith")
    assert [cue.start_ms for cue in rest] == [9_410, 13_050, 18_200]


def test_order_is_start_then_index_then_place() -> None:
    """The start orders the cues, then the sentenceIndex, then the place in the array."""
    document = with_sentences(
        {"startTimeSeconds": 2, "sentenceIndex": 0, "text": "last"},
        {"startTimeSeconds": 1, "sentenceIndex": 5, "text": "second"},
        {"startTimeSeconds": 1, "sentenceIndex": 3, "text": "first"},
        {"startTimeSeconds": 1, "sentenceIndex": 5, "text": "third"},
    )

    assert _texts(document) == ["first", "second", "third", "last"]


def test_sentence_without_start_follows_its_predecessor() -> None:
    """A sentence without a start begins where the one before it by sentenceIndex ends."""
    document = with_sentences(
        {"sentenceIndex": 2, "startTimeSeconds": 30},
        {"sentenceIndex": 1, "text": "between"},
        {"sentenceIndex": 0, "startTimeSeconds": 10, "endTimeSeconds": 12.5},
    )

    assert _times(document) == [(10_000, 12_500), (12_500, 13_500), (30_000, 31_000)]
    assert _texts(document)[1] == "between"


def test_sentence_without_start_never_follows_the_next() -> None:
    """A sentence without a start begins no later than the next one."""
    document = with_sentences(
        {"startTimeSeconds": 1, "endTimeSeconds": 9}, {"text": "none"}, {"startTimeSeconds": 2}
    )

    assert _times(document) == [(1_000, 9_000), (2_000, 3_000), (2_000, 3_000)]
    assert _texts(document)[1] == "none"


def test_sentences_without_starts_follow_one_another() -> None:
    """Sentences without any start follow one another from zero on."""
    assert _times(with_sentences({}, {}, {})) == [(0, 1_000), (1_000, 2_000), (2_000, 3_000)]


def test_end_is_inferred_from_the_length() -> None:
    """A missing end is inferred from the length of the text, not from the next start."""
    document = with_sentences({"startTimeSeconds": 0, "text": "x" * 30}, {"startTimeSeconds": 60})

    assert _times(document)[0] == (0, 2_000)


def test_inferred_end_stops_at_the_next_start() -> None:
    """An inferred end stops at the next start of any channel."""
    document = with_sentences(
        {"startTimeSeconds": 0, "audioChannelIndex": 1, "text": "x" * 600},
        {"startTimeSeconds": 4, "audioChannelIndex": 2},
    )

    assert _times(document)[0] == (0, 4_000)


def test_cues_with_the_same_start_are_both_shown() -> None:
    """Cues with the same start last until the next later start."""
    document = with_sentences(
        {"startTimeSeconds": 1, "text": "x" * 600},
        {"startTimeSeconds": 1, "text": "y" * 600},
        {"startTimeSeconds": 5},
    )

    assert _times(document)[:2] == [(1_000, 5_000), (1_000, 5_000)]


def test_inferred_cue_lasts_at_least_a_second() -> None:
    """An inferred end is at least a second after the start, even if the next cue begins before."""
    document = with_sentences({"startTimeSeconds": 1}, {"startTimeSeconds": 1.2})

    assert _times(document)[0] == (1_000, 2_000)


def test_inferred_end_stops_at_the_duration() -> None:
    """An inferred end of the last cue stops at the job's duration."""
    assert _times(with_sentences({"startTimeSeconds": 1, "text": "x" * 600}, duration=5)) == [
        (1_000, 5_000)
    ]


@pytest.mark.parametrize("duration", [None, 0, -5, 1, "5", True, [5]])
def test_invalid_duration_is_ignored(duration: Any) -> None:
    """A duration that isn't a number, or ends before the last start, is ignored."""
    document = with_sentences({"startTimeSeconds": 1, "text": "x" * 30}, duration=duration)

    assert _times(document) == [(1_000, 3_000)]


@pytest.mark.parametrize("name", ["endTimeSeconds", "endSeconds", "stopTimeSeconds"])
def test_end_is_used(name: str) -> None:
    """A sentence's end is its cue's end, even beyond the next start and the duration."""
    document = with_sentences(
        {"startTimeSeconds": 1, name: 7.25}, {"startTimeSeconds": 2}, duration=5
    )

    assert _times(document)[0] == (1_000, 7_250)


@pytest.mark.parametrize("end", [None, 0, -1, 3, 2.9, "7", True, [7], {}])
def test_invalid_end_is_inferred(end: Any) -> None:
    """An end that isn't a number, or isn't after the start, is inferred."""
    assert _times(with_sentences({"startTimeSeconds": 3, "endTimeSeconds": end})) == [
        (3_000, 4_000)
    ]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (-1, 0),
        (-math.inf, 0),
        (math.nan, 0),
        (0.0004, 0),
        (math.inf, 3_600_000_000),
        (1e300, 3_600_000_000),
        (10**400, 3_600_000_000),
        (359_999.999, 359_999_999),
    ],
)
def test_start_is_clamped(start: float, expected: int) -> None:
    """A start is clamped to the range from zero to a thousand hours."""
    assert _times(with_sentences({"startTimeSeconds": start}))[0][0] == expected


@pytest.mark.parametrize("start", [None, "3", True, [3], {"seconds": 3}])
def test_start_that_is_no_number_is_missing(start: Any) -> None:
    """A start that isn't a number counts as missing."""
    document = with_sentences({"startTimeSeconds": 5}, {"startTimeSeconds": start})

    assert _times(document)[1] == (6_000, 7_000)


@pytest.mark.parametrize("text", [None, "", " \r\n\t", "\x00", "\u2028", 7, ["words"], {}])
def test_sentence_without_text_is_no_cue(text: Any) -> None:
    """A sentence without a text is no cue."""
    assert extract_cues(with_sentences({"text": text}, {"text": "words"})) == [
        Cue(0, 1_000, "Unknown speaker", "words")
    ]


@pytest.mark.parametrize("sentences", [None, {}, "words", 7, [None, 7, "words", ["words"]]])
def test_invalid_sentences_give_no_cue(sentences: Any) -> None:
    """Sentences that aren't an array, or aren't objects, give no cue."""
    assert extract_cues({"sentences": sentences}) == []
    assert extract_cues({}) == []
