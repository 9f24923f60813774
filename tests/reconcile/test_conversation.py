"""Conversations: what their communications say, in the callback's shape."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.reconcile.conversation import build_document
from schemas.callback import Head

JOB = "voice_transcription_7n7hnd7sf68yfv5re42nvvz7aa"
OTHER = "voice_transcription_4abcde1234567890abcde12345"
BEGAN = datetime(2026, 3, 10, 19, 42, 16, tzinfo=UTC)
ROW: dict[str, Any] = {
    "id": JOB,
    "account_id": "AC" + "a" * 32,
    "configuration_id": None,
    "conversation_id": "conv_conversation_01k1etx3jbfx88476ccja0889c",
    "duration": 12,
    "participants": [
        {"audioChannelIndex": 1, "address": "+1", "name": "Jane"},
        {"audioChannelIndex": 2, "address": "+2", "name": "Sam"},
    ],
    "audio_started_at": BEGAN,
}


def _communication(number: int, text: str = "Hello.", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"conv_communication_{number}",
        "author": {"address": "+1", "channel": "VOICE"},
        "content": {
            "type": "TRANSCRIPTION",
            "text": text,
            "transcription": {"channel": number % 2, "words": []},
        },
        "resourceId": f"{JOB}{number}",
        "occurredAt": f"2026-03-10T19:42:{16 + number:02}.500Z",
        **changes,
    }


def _document(communications: Sequence[Any], **changes: Any) -> dict[str, Any] | None:
    options = {"is_alone": True, "is_last_chance": False} | {
        name: changes.pop(name) for name in ("is_alone", "is_last_chance") if name in changes
    }

    return build_document({**ROW, **changes}, communications, **options)


def _sentences(communications: Sequence[Any], **changes: Any) -> list[dict[str, Any]]:
    document = _document(communications, **changes)
    assert document is not None
    sentences: list[dict[str, Any]] = document["sentences"]

    return sentences


def test_a_sentence_has_the_callbacks_members() -> None:
    """Channels are counted from 1, times from the recording's begin, and the speaker is found."""
    assert _sentences([_communication(0, "Hi."), _communication(1, "Hello.")]) == [
        {
            "audioChannelIndex": 1,
            "sentenceIndex": 0,
            "participantIndex": 0,
            "startTimeSeconds": 0.5,
            "text": "Hi.",
        },
        {
            "audioChannelIndex": 2,
            "sentenceIndex": 1,
            "participantIndex": 1,
            "startTimeSeconds": 1.5,
            "text": "Hello.",
        },
    ]


def test_the_document_passes_as_a_callback() -> None:
    """It is the job's, it is completed, and it keeps all that it was made of."""
    communications = [_communication(0)]
    document = _document(communications)
    assert document is not None
    head = Head().load(document)
    assert (head["id"], head["status"], head["sentences"]) == (JOB, "COMPLETED", 1)
    assert document["communications"] == communications


def test_the_index_in_the_resource_id_is_the_order() -> None:
    """However the conversation lists them, they are as they were said; ten comes after nine."""
    spoken = [_communication(number, str(number)) for number in range(11)]
    assert [each["text"] for each in _sentences(spoken[::-1])] == [str(n) for n in range(11)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (2.5, 3),
        ("2.5", "3"),
        ("2026-03-10T19:42:18.500Z", "2026-03-10T19:42:19Z"),
        ("2026-03-10T19:42:18.5", "2026-03-10T20:42:19+01:00"),
    ],
)
@pytest.mark.parametrize("spelling", ["{}Time", "{}_time"])
def test_the_words_tell_the_times(start: Any, end: Any, spelling: str) -> None:
    """They may count from the recording's begin or name a moment, in either spelling."""
    words = [
        {"text": "Hello", spelling.format("start"): start, spelling.format("end"): start},
        {"text": "there.", spelling.format("start"): end, spelling.format("end"): end},
    ]
    spoken = _communication(0)
    spoken["content"] = {"transcription": {"channel": 0, "words": words}}
    [sentence] = _sentences([spoken])
    assert sentence["text"] == "Hello there."
    assert (sentence["startTimeSeconds"], sentence["endTimeSeconds"]) == (2.5, 3)


@pytest.mark.parametrize("began", [None, datetime(2020, 1, 1, tzinfo=UTC)])
def test_without_the_recordings_begin_the_first_sentence_is_it(began: datetime | None) -> None:
    """Nor is a begin taken that can't be the begin of this."""
    times = [
        sentence["startTimeSeconds"]
        for sentence in _sentences([_communication(0), _communication(1)], audio_started_at=began)
    ]
    assert times == [0, 1]


def test_the_address_tells_the_speaker_where_the_channel_does_not() -> None:
    """A mono recording has one channel, and two people on it."""
    spoken = _communication(0, author={"address": "+2"})
    spoken["content"]["transcription"]["channel"] = None
    assert _sentences([spoken])[0]["participantIndex"] == 1


@pytest.mark.parametrize(
    "communications",
    [
        [],
        [_communication(0, "  ")],
        [_communication(0, content={"type": "TEXT", "text": "A message by SMS."})],
        [_communication(0, resourceId=f"{OTHER}0")],
    ],
)
def test_what_holds_nothing_of_the_call_is_no_transcript(communications: list[Any]) -> None:
    """Neither emptiness, nor messages, nor another call's transcript."""
    assert _document(communications) is None


def test_another_calls_sentences_are_left_out() -> None:
    """A conversation may hold several calls; each communication names the job it is of."""
    mixed = [_communication(0, "Ours."), _communication(1, "Theirs.", resourceId=f"{OTHER}1")]
    assert [each["text"] for each in _sentences(mixed)] == ["Ours."]


def test_unnamed_sentences_are_taken_only_of_a_job_that_is_alone() -> None:
    """Where two jobs share a conversation, nobody can tell whose they are."""
    unnamed = [_communication(0, resourceId=None), _communication(1, resourceId="GT1")]
    assert len(_sentences(unnamed)) == 2
    assert _document(unnamed, is_alone=False) is None


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_transcript_with_gaps_is_waited_for(missing: int) -> None:
    """It is still being stored, so it isn't taken until there is nothing more to wait for."""
    spoken = [_communication(number) for number in range(1, 5) if number != missing]
    assert _document(spoken) is None
    assert len(_sentences(spoken, is_last_chance=True)) == 3


@pytest.mark.parametrize("changes", [{"content": {"type": "TEXT"}}, {"text": " "}])
def test_what_says_nothing_leaves_no_gap(changes: dict[str, Any]) -> None:
    """It is there, so nothing is waited for: a message, or silence."""
    spoken = [_communication(1), _communication(2, **changes), _communication(3)]
    assert len(_sentences(spoken)) == 2


@pytest.mark.parametrize("between", ["", "-", "_", "/"])
def test_the_index_may_be_set_apart(between: str) -> None:
    """It is the job's own all the same, not another's."""
    spoken = [_communication(n, resourceId=f"{JOB}{between}{n}") for n in (1, 2)]
    assert len(_sentences(spoken, is_alone=False)) == 2


def test_without_an_index_the_time_is_the_order() -> None:
    """The job's own without one, and those that name none, however they are listed."""
    for name in (JOB, None):
        spoken = [_communication(n, str(n), resourceId=name) for n in (2, 0, 1)]
        assert [each["text"] for each in _sentences(spoken)] == ["0", "1", "2"]


def test_what_is_listed_twice_was_said_once() -> None:
    """A list that grows while it is read repeats on one page what the page before had."""
    spoken = [_communication(1, resourceId=None), _communication(2, resourceId=None)]
    assert len(_sentences([*spoken, spoken[1]])) == 2


def test_an_empty_text_gives_way_to_the_words() -> None:
    """Nor does a word without a text become one."""
    spoken = _communication(0, " ")
    spoken["content"]["transcription"]["words"] = [{"text": "Hello"}, {"text": None}, {}]
    assert [each["text"] for each in _sentences([spoken])] == ["Hello"]


def test_times_of_both_kinds_are_told_apart() -> None:
    """One sentence has words that count from the begin, another only the time of the day."""
    first, second = _communication(0), _communication(1)
    first["content"]["transcription"]["words"] = [{"text": "Hi", "startTime": 0.4}]
    times = [each["startTimeSeconds"] for each in _sentences([first, second])]
    assert times == [0.4, 1.5]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "transcription", "channel", "words", "startTime", "address"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_hostile = st.lists(
    st.fixed_dictionaries(
        {"content": st.fixed_dictionaries({"text": _values, "transcription": _values}) | _values},
        optional={"resourceId": _values, "author": _values, "occurredAt": _values},
    ),
    max_size=4,
)


@given(_hostile)
def test_nothing_that_a_conversation_holds_raises(communications: list[Any]) -> None:
    """Whatever it is, there is a document or there is none."""
    document = _document(communications, is_last_chance=True)
    assert document is None or document["sentences"]
