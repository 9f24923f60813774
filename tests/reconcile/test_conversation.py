"""Documents built from a conversation's communications, in the form of a callback."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.reconcile.conversation import build_document
from schemas.callback import load_head
from tests.support.samples import ACCOUNT, JOB

OTHER = "voice_transcription_4abcde1234567890abcde12345"
STARTED_AT = datetime(2026, 3, 10, 19, 42, 16, tzinfo=UTC)
ROW: dict[str, Any] = {
    "id": JOB,
    "account_id": ACCOUNT,
    "configuration_id": None,
    "conversation_id": "conv_conversation_01k1etx3jbfx88476ccja0889c",
    "duration": 12,
    "participants": [
        {"audioChannelIndex": 1, "address": "+1", "name": "Jane"},
        {"audioChannelIndex": 2, "address": "+2", "name": "Sam"},
    ],
    "audio_started_at": STARTED_AT,
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


def test_sentence_has_the_members_of_a_callback() -> None:
    """Channels count from 1, times from the recording's start, and a sentence names its speaker."""
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


def test_document_is_valid_as_a_callback() -> None:
    """The document is completed, names its job and contains the original communications."""
    communications = [_communication(0)]
    document = _document(communications)
    assert document is not None
    head = load_head(document).columns
    assert (head["id"], head["status"], head["sentences"]) == (JOB, "COMPLETED", 1)
    assert document["communications"] == communications


def test_index_in_the_resource_id_gives_the_order() -> None:
    """Sentences are sorted by the number in their resource id: ten comes after nine."""
    communications = [_communication(number, str(number)) for number in range(11)]
    assert [each["text"] for each in _sentences(communications[::-1])] == [
        str(n) for n in range(11)
    ]


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
def test_words_give_the_times(start: Any, end: Any, spelling: str) -> None:
    """The words' times may be offsets from the start or timestamps, in either spelling."""
    words = [
        {"text": "Hello", spelling.format("start"): start, spelling.format("end"): start},
        {"text": "there.", spelling.format("start"): end, spelling.format("end"): end},
    ]
    communication = _communication(0)
    communication["content"] = {"transcription": {"channel": 0, "words": words}}
    [sentence] = _sentences([communication])
    assert sentence["text"] == "Hello there."
    assert (sentence["startTimeSeconds"], sentence["endTimeSeconds"]) == (2.5, 3)


@pytest.mark.parametrize("started_at", [None, datetime(2020, 1, 1, tzinfo=UTC)])
def test_first_sentence_starts_at_zero_without_a_recording_start(
    started_at: datetime | None,
) -> None:
    """If the recording's start is unknown or implausible, times count from the first sentence."""
    times = [
        sentence["startTimeSeconds"]
        for sentence in _sentences(
            [_communication(0), _communication(1)], audio_started_at=started_at
        )
    ]
    assert times == [0, 1]


def test_address_identifies_the_speaker_without_a_channel() -> None:
    """In a mono recording, with two people on one channel, the address identifies the speaker."""
    communication = _communication(0, author={"address": "+2"})
    communication["content"]["transcription"]["channel"] = None
    assert _sentences([communication])[0]["participantIndex"] == 1


@pytest.mark.parametrize(
    "communications",
    [
        [],
        [_communication(0, "  ")],
        [_communication(0, content={"type": "TEXT", "text": "A message by SMS."})],
        [_communication(0, resourceId=f"{OTHER}0")],
    ],
)
def test_conversation_without_the_call_has_no_document(communications: list[Any]) -> None:
    """Empty texts, messages and another call's transcript give no document."""
    assert _document(communications) is None


def test_sentences_of_another_call_are_omitted() -> None:
    """A conversation may contain several calls; only communications that name the job are used."""
    communications = [
        _communication(0, "Ours."),
        _communication(1, "Theirs.", resourceId=f"{OTHER}1"),
    ]
    assert [each["text"] for each in _sentences(communications)] == ["Ours."]


def test_unnamed_sentences_are_used_for_a_single_job_only() -> None:
    """If two jobs share a conversation, sentences that name no job can't be assigned."""
    communications = [_communication(0, resourceId=None), _communication(1, resourceId="GT1")]
    assert len(_sentences(communications)) == 2
    assert _document(communications, is_alone=False) is None


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_transcript_with_gaps_is_used_at_the_last_attempt_only(missing: int) -> None:
    """Twilio is still storing a transcript with gaps, so it is used at the last attempt only."""
    communications = [_communication(number) for number in range(1, 5) if number != missing]
    assert _document(communications) is None
    assert len(_sentences(communications, is_last_chance=True)) == 3


@pytest.mark.parametrize("changes", [{"content": {"type": "TEXT"}}, {"text": " "}])
def test_communication_without_speech_is_no_gap(changes: dict[str, Any]) -> None:
    """A message or an empty text is not a missing sentence."""
    communications = [_communication(1), _communication(2, **changes), _communication(3)]
    assert len(_sentences(communications)) == 2


@pytest.mark.parametrize("separator", ["", "-", "_", "/"])
def test_index_may_have_a_separator(separator: str) -> None:
    """A separator between the job's id and the index is accepted."""
    communications = [_communication(n, resourceId=f"{JOB}{separator}{n}") for n in (1, 2)]
    assert len(_sentences(communications, is_alone=False)) == 2


def test_time_gives_the_order_without_an_index() -> None:
    """Sentences without an index are sorted by time, whether or not they name the job."""
    for resource_id in (JOB, None):
        communications = [_communication(n, str(n), resourceId=resource_id) for n in (2, 0, 1)]
        assert [each["text"] for each in _sentences(communications)] == ["0", "1", "2"]


def test_repeated_communication_is_used_once() -> None:
    """A list that grows while it is read repeats some of the previous page's communications."""
    communications = [_communication(1, resourceId=None), _communication(2, resourceId=None)]
    assert len(_sentences([*communications, communications[1]])) == 2


def test_words_replace_an_empty_text() -> None:
    """An empty text is replaced by the words, without those that have no text."""
    communication = _communication(0, " ")
    communication["content"]["transcription"]["words"] = [{"text": "Hello"}, {"text": None}, {}]
    assert [each["text"] for each in _sentences([communication])] == ["Hello"]


def test_offsets_and_timestamps_are_distinguished() -> None:
    """One sentence's words have offsets from the start, another has only a timestamp."""
    first, second = _communication(0), _communication(1)
    first["content"]["transcription"]["words"] = [{"text": "Hi", "startTime": 0.4}]
    times = [each["startTimeSeconds"] for each in _sentences([first, second])]
    assert times == [0.4, 1.5]


_json_values = st.recursive(
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
_communications = st.lists(
    st.fixed_dictionaries(
        {
            "content": st.fixed_dictionaries({"text": _json_values, "transcription": _json_values})
            | _json_values
        },
        optional={"resourceId": _json_values, "author": _json_values, "occurredAt": _json_values},
    ),
    max_size=4,
)


@given(_communications)
def test_no_communication_raises(communications: list[Any]) -> None:
    """For any communications there is a document with sentences, or none."""
    document = _document(communications, is_last_chance=True)
    assert document is None or document["sentences"]
