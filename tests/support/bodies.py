"""Strategies for signed bodies: Twilio's own, invalid JSON, and any bytes in many encodings.

Objects are assembled as text, because no encoder writes most of the hostile JSON.
"""

import json
from typing import Any

from hypothesis import strategies as st

from tests.support.samples import COMPLETED, ENVELOPE, FAILED

_DOCUMENTS = [json.loads(sample) for sample in (COMPLETED, FAILED, ENVELOPE)]
_TRANSCRIPTIONS = [document.get("transcription", document) for document in _DOCUMENTS]
_MEMBERS = sorted(
    {name for document in _TRANSCRIPTIONS for name in document} | {"transcription", "new"}
)

_MAX_BODY_BYTES = 1_000_000  # Twilio sends no larger callback (error 17564)

Pairs = list[tuple[str, str]]  # an object's members, each name and value as JSON text

# Any characters, also NUL and lone surrogates, and texts that may break a reader.
_texts = (
    st.text(st.characters(exclude_categories=()), max_size=20)
    | st.text(st.sampled_from("\x00\ud800\udfff\u202e\u2066\ufeff\uffff\U0010ffff\x1b\x7f\u0085"))
    | st.sampled_from(["", "job_1", "completed", "FAILED", "a/b", "..", "a" * 129, "-->", "</v>"])
    | st.sampled_from(["a" * 70_000, "ß" * 9_000, "\x00" * 9_000, "\u202e" * 9_000, "\\" * 300])
)
_numbers = (
    st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([2**31 - 1, 2**31, 2**63, -1, -0.0, 10**4299])
)
_scalars = st.none() | st.booleans() | _numbers | _texts
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def _dates(draw: st.DrawFn) -> str:
    """Draw a date between year 0 and 99999, possibly impossible, in one of many formats."""
    year = draw(
        st.sampled_from([0, 1, 1969, 1970, 2026, 9998, 9999, 99999]) | st.integers(0, 99999)
    )
    month, day = draw(st.integers(0, 13)), draw(st.integers(0, 32))
    hour, minute, second = draw(st.tuples(*(st.integers(0, maximum) for maximum in (24, 60, 60))))
    date = draw(
        st.sampled_from(
            [
                *(f"{year:04}-{month:02}-{day:02}", f"{year}-{month}-{day}"),
                *(f"{year:04}{month:02}{day:02}", f"{year:04}-W{month:02}-{day % 8}"),
                *(f"+{year:05}-{month:02}-{day:02}", f"-{year:04}-{month:02}-{day:02}"),
            ]
        )
    )
    clock = draw(
        st.sampled_from(
            [
                *("", f"{hour:02}", f"{hour:02}:{minute:02}", f"{hour:02}{minute:02}{second:02}"),
                *(f"{hour:02}:{minute:02}:{second:02}{end}" for end in ("", ".5", ",123456789")),
            ]
        )
    )
    zone = draw(
        st.sampled_from(["", "Z", "z", "+00:00", "-23:59", "+14", "+24:00", "+0000", "+00:00:01"])
    )

    return f"{date}{draw(st.sampled_from(['T', 't', ' ', '']))}{clock}{zone}"


def _json(value: Any) -> st.SearchStrategy[str]:
    return st.booleans().map(lambda escaped: json.dumps(value, ensure_ascii=escaped))


# Tokens that are invalid JSON, or that may break a reader.
_tokens = st.sampled_from(
    [
        *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "1e400000", "9" * 5000),
        *("-0", "01", "1.", ".5", "0x10", "+1", "1_000", "undefined", "'single'", "", "/**/1"),
        *(r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', r'"\ud83d\ude00"', r'"\x41"', '"\n"', '"'),
    ]
)


@st.composite
def _nested_values(draw: st.DrawFn) -> str:
    depth = draw(st.sampled_from([31, 32, 33, 500, 1000, 10_000]))
    opening, closing = draw(st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")]))

    return opening * depth + draw(st.sampled_from(["1", "", "[]"])) + closing * depth


# Everything that may take the place of a value.
fragments = _values.flatmap(_json) | _dates().flatmap(_json) | _tokens | _nested_values()

_sentence_members = st.sampled_from(
    [
        *("text", "startTimeSeconds", "endTimeSeconds", "audioChannelIndex", "participantIndex"),
        *("sentenceIndex", "words", "name", "type", "address"),
    ]
)
_sentence_lists = st.lists(st.dictionaries(_sentence_members, _values, max_size=4), max_size=4)


@st.composite
def _objects(draw: st.DrawFn) -> str:
    """Draw a sample as text, with members replaced, repeated, added or removed."""
    document = draw(st.sampled_from(_TRANSCRIPTIONS))
    pairs = [(json.dumps(name), json.dumps(value)) for name, value in document.items()]
    if draw(st.booleans()):
        pairs[0] = ('"id"', f'"job_{draw(st.integers(0, 9))}"')
    for _ in range(draw(st.integers(0, 3))):
        _mutate(draw, pairs)
    text = "{" + ", ".join(f"{name}: {value}" for name, value in pairs) + "}"
    if draw(st.integers(0, 3)):
        return text

    return f'{{"operationId": "job", "status": "RUNNING", "transcription": {text}}}'


def _mutate(draw: st.DrawFn, pairs: Pairs) -> None:
    name = json.dumps(draw(st.sampled_from(_MEMBERS)))
    index = draw(st.integers(0, len(pairs)))
    match draw(st.sampled_from(["replace", "date", "say", "repeat", "leave out"])):
        case "replace":
            pairs[:] = [(n, draw(fragments) if n == name else value) for n, value in pairs]
        case "date":
            member = draw(st.sampled_from(['"createdAt"', '"updatedAt"', '"audioStartedAt"']))
            pairs.append((member, json.dumps(draw(_dates()))))  # the last member of a name counts
        case "say":
            member = draw(st.sampled_from(['"sentences"', '"participants"']))
            pairs.append((member, draw(_sentence_lists.flatmap(_json))))
        case "repeat":
            pairs.insert(index, (name, draw(fragments)))
        case "leave out":
            del pairs[index : index + 1]


_ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le")


@st.composite
def _damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """Draw the bytes cut short, or with some bytes in the middle replaced."""
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))

    return body[:start] + draw(st.just(b"") | st.binary(max_size=4)) + body[end:]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw a body: usually almost a callback, sometimes any JSON, damaged bytes or any bytes."""
    kind = draw(st.sampled_from(["bytes", "fragment", "damaged", *["object"] * 9]))
    if kind == "bytes":
        return draw(st.binary())
    text = draw(fragments if kind == "fragment" else _objects())
    body = text.encode(draw(st.sampled_from(_ENCODINGS)), "surrogatepass")

    return (draw(_damaged(body)) if kind == "damaged" else body)[:_MAX_BODY_BYTES]
