"""Bodies that might be signed: Twilio's own, and what else bytes can be, down to the spelling.

Objects are put together as text, for much of what is hostile in JSON no encoder would write.
"""

import json
from typing import Any

from hypothesis import strategies as st

from tests.support.paths import ROOT

_SAMPLES = ROOT / "tests" / "samples"
_DOCUMENTS = [json.loads(path.read_bytes()) for path in sorted(_SAMPLES.glob("*.json"))]
_FLAT = [document.get("transcription", document) for document in _DOCUMENTS]
_MEMBERS = sorted({name for document in _FLAT for name in document} | {"transcription", "new"})

_LARGEST = 1_000_000  # in bytes: above, Twilio doesn't call at all (error 17564)

Pairs = list[tuple[str, str]]  # of an object's members, each name and value as JSON text

# Any character at all, NUL and lone surrogates too; and what text should not be able to do.
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
    """Draw a date from the year 0 to 99999, which may not exist, in one of many spellings."""
    year = draw(
        st.sampled_from([0, 1, 1969, 1970, 2026, 9998, 9999, 99999]) | st.integers(0, 99999)
    )
    month, day = draw(st.integers(0, 13)), draw(st.integers(0, 32))
    hour, minute, second = draw(st.tuples(*(st.integers(0, most) for most in (24, 60, 60))))
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


# Tokens that are no JSON, or that a reader may choke on.
_tokens = st.sampled_from(
    [
        *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "1e400000", "9" * 5000),
        *("-0", "01", "1.", ".5", "0x10", "+1", "1_000", "undefined", "'single'", "", "/**/1"),
        *(r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', r'"\ud83d\ude00"', r'"\x41"', '"\n"', '"'),
    ]
)


@st.composite
def _nests(draw: st.DrawFn) -> str:
    depth = draw(st.sampled_from([31, 32, 33, 500, 1000, 10_000]))
    before, after = draw(st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")]))

    return before * depth + draw(st.sampled_from(["1", "", "[]"])) + after * depth


# What may stand where a value does.
_fragments = _values.flatmap(_json) | _dates().flatmap(_json) | _tokens | _nests()

_spoken = st.sampled_from(
    [
        *("text", "startTimeSeconds", "endTimeSeconds", "audioChannelIndex", "participantIndex"),
        *("sentenceIndex", "words", "name", "type", "address"),
    ]
)
_speech = st.lists(st.dictionaries(_spoken, _values, max_size=4), max_size=4)


@st.composite
def _objects(draw: st.DrawFn) -> str:
    """Draw a sample as text, with members replaced, repeated, added and left out."""
    document = draw(st.sampled_from(_FLAT))
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
    place = draw(st.integers(0, len(pairs)))
    match draw(st.sampled_from(["replace", "date", "say", "repeat", "leave out"])):
        case "replace":
            pairs[:] = [(n, draw(_fragments) if n == name else value) for n, value in pairs]
        case "date":
            moment = draw(st.sampled_from(['"createdAt"', '"updatedAt"', '"audioStartedAt"']))
            pairs.append((moment, json.dumps(draw(_dates()))))  # the last one of a name counts
        case "say":
            said = draw(st.sampled_from(['"sentences"', '"participants"']))
            pairs.append((said, draw(_speech.flatmap(_json))))
        case "repeat":
            pairs.insert(place, (name, draw(_fragments)))
        case "leave out":
            del pairs[place : place + 1]


_ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le")


@st.composite
def _damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw the bytes cut short, or with some in their middle replaced."""
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(whole))] * 2)))

    return whole[:start] + draw(st.just(b"") | st.binary(max_size=4)) + whole[end:]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw a body: mostly nearly a callback, sometimes any JSON, any damage or any bytes."""
    kind = draw(st.sampled_from(["bytes", "fragment", "damaged", *["object"] * 9]))
    if kind == "bytes":
        return draw(st.binary())
    text = draw(_fragments if kind == "fragment" else _objects())
    body = text.encode(draw(st.sampled_from(_ENCODINGS)), "surrogatepass")

    return (draw(_damaged(body)) if kind == "damaged" else body)[:_LARGEST]
