"""Documents for the transcript's tests: Twilio's sample, and hostile ones."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.support.samples import COMPLETED

Document = dict[str, Any]


def sample() -> Document:
    """Return Twilio's sample of a completed callback."""
    document: Document = json.loads(COMPLETED)

    return document


def with_sentences(*sentences: Document, **members: Any) -> Document:
    """Return a document with these sentences; the text is `words` unless a sentence has one."""
    return {"sentences": [{"text": "words"} | sentence for sentence in sentences]} | members


def normalize(text: str) -> str:
    """Return the text as a transcript shows it, by another algorithm than the code's."""
    result = ""
    for char in text:
        if char <= " " or "\x7f" <= char <= "\x9f" or char in "\u2028\u2029":
            result += "" if result.endswith(" ") else " "
        else:
            result += "\ufffd" if "\ud800" <= char <= "\udfff" else char

    return result.strip()


def displayed_texts(document: Document) -> list[str]:
    """Return the texts that the document's cues must contain, in the array's order."""
    texts = (
        sentence["text"]
        for sentence in document["sentences"]
        if isinstance(sentence, dict) and isinstance(sentence.get("text"), str)
    )

    return [text for text in map(normalize, texts) if text]


_texts = st.lists(
    st.one_of(
        st.text(st.characters()),
        st.sampled_from(
            ["\r\n\r\n2\n00:00:01,000 --> 00:00:02,000\n", "-->", "</v><v Agent>", "<i>", "{\\an8}"]
        ),
        st.sampled_from(["&amp;", "&#10;", "&", "\x00", "\ud800", "\u2028", "\x85", "\xa0", "\v"]),
    ),
    max_size=4,
).map("".join)
_numbers = st.one_of(
    st.integers(),
    st.integers(-2, 4),
    st.floats(allow_nan=False),
    st.floats(-1, 40),
    st.just(10**400),
)
_scalars = st.one_of(st.none(), st.booleans(), _numbers, _texts)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)


def _objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
    """Return objects whose members may be missing or have a value of any kind."""
    return st.fixed_dictionaries(
        {}, optional={name: value | _values for name, value in members.items()}
    )


_participants = _objects(
    audioChannelIndex=st.sampled_from([1, 2]),
    type=st.sampled_from(["CUSTOMER", "HUMAN_AGENT", "AI_AGENT"]),
    name=_texts,
)
_sentences = _objects(
    audioChannelIndex=st.sampled_from([1, 2]),
    participantIndex=st.sampled_from([0, 1]),
    sentenceIndex=st.integers(0, 9),
    startTimeSeconds=st.floats(0, 40),
    endTimeSeconds=st.floats(0, 40),
    text=_texts,
    words=_values,
)
hostile = st.fixed_dictionaries(
    {"sentences": st.lists(_sentences | _values, max_size=8)},
    optional={
        "id": _values,
        "participants": st.lists(_participants | _values, max_size=3) | _values,
        "duration": st.integers(0, 40) | _values,
    },
)
