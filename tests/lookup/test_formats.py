"""Tests of the four formats, read back by small parsers that share no code with the renderers."""

import html
import json
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings

from receiver.lookup.cues import Cue, extract_cues
from receiver.lookup.formats import FORMATS
from tests.support.documents import (
    Document,
    displayed_texts,
    hostile,
    normalize,
    with_sentences,
)

_FULLWIDTH = {"<": "\uff1c", ">": "\uff1e", "{": "\uff5b", "}": "\uff5d"}
_NEWLINE = re.compile(r"\r\n|\n|\r")


class _ParsedCue(NamedTuple):
    """A cue as a parser read it."""

    start: int
    end: int
    line: str


def _render(name: str, document: Document) -> str:
    return FORMATS[name].render(document).decode()


def _times(line: str, separator: str) -> tuple[int, int]:
    clock = rf"(\d{{2,}}):([0-5]\d):([0-5]\d){re.escape(separator)}(\d{{3}})"
    match = re.fullmatch(f"{clock} --> {clock}", line)
    assert match, line
    parts = [int(part) for part in match.groups()]
    start, end = (
        ((hours * 60 + minutes) * 60 + seconds) * 1_000 + thousandths
        for hours, minutes, seconds, thousandths in (parts[:4], parts[4:])
    )

    return start, end


def _parse_vtt(file: str) -> Iterator[_ParsedCue]:
    """Parse WebVTT: a header, then blocks of a timing line and one line in a voice tag."""
    magic, separator, *lines = _NEWLINE.split(file)
    assert (magic, separator) == ("WEBVTT", "")
    for place in range(0, len(lines) - 1, 3):
        timing, payload, blank = lines[place : place + 3]
        assert "-->" not in payload
        assert blank == ""
        match = re.fullmatch(r"<v ([^<>]+)>([^<>]+)</v>", payload)
        assert match, payload
        speaker, text = map(html.unescape, match.groups())
        yield _ParsedCue(*_times(timing, "."), f"{speaker}: {text}")


def _parse_srt(file: str) -> Iterator[_ParsedCue]:
    """Parse SubRip: blocks of a number that counts up, a timing line and one line of text."""
    lines = _NEWLINE.split(file)
    for number, place in enumerate(range(0, len(lines) - 1, 4), 1):
        counted, timing, payload, blank = lines[place : place + 4]
        assert (counted, blank) == (str(number), "")
        assert not set("<>{}") & set(payload)
        yield _ParsedCue(*_times(timing, ","), payload)


def _without_isolate(line: str, cue: Cue) -> str:
    """Return the cue's line without the isolate around its text, which it may have."""
    begin = len(f"{cue.speaker}: ")  # the fullwidth forms change no length
    is_isolated = len(line) == begin + len(cue.text) + 2

    return line[:begin] + line[begin + 1 : -1] if is_isolated else line


@settings(deadline=None)
@given(hostile)
def test_vtt_round_trips(document: Document) -> None:
    """WebVTT contains every cue's times, speaker and text exactly."""
    read = list(_parse_vtt(_render("vtt", document)))

    assert read == [
        _ParsedCue(cue.start_ms, cue.end_ms, f"{cue.speaker}: {cue.text}")
        for cue in extract_cues(document)
    ]


@settings(deadline=None)
@given(hostile)
def test_srt_round_trips(document: Document) -> None:
    """SubRip contains every cue exactly, except that brackets have their fullwidth forms."""
    read = list(_parse_srt(_render("srt", document)))

    cues = extract_cues(document)
    if not cues:
        assert read == [_ParsedCue(0, 1_000, "\u00a0")]
        return

    assert [(shown.start, shown.end) for shown in read] == [
        (cue.start_ms, cue.end_ms) for cue in cues
    ]
    for shown, cue in zip(read, cues, strict=True):
        fullwidth = (_FULLWIDTH.get(char, char) for char in f"{cue.speaker}: {cue.text}")
        assert _without_isolate(shown.line, cue) == "".join(fullwidth)


@settings(deadline=None)
@given(hostile)
def test_text_has_one_line_per_sentence(document: Document) -> None:
    """Plain text has one line for each sentence with a text, for any line separators."""
    lines = _render("text", document).splitlines()
    cues = extract_cues(document)

    assert list(map(_without_isolate, lines, cues)) == [
        f"{cue.speaker}: {cue.text}" for cue in cues
    ]
    assert len(lines) == len(displayed_texts(document))


@settings(deadline=None)
@given(hostile)
def test_text_is_unchanged_except_control_characters(document: Document) -> None:
    """Every text is shown exactly, except that control characters and surrogates are replaced."""
    lines = _render("text", document).splitlines()

    assert len(lines) == len(displayed_texts(document))
    for text in displayed_texts(document):
        assert any(line.endswith((f": {text}", f": \u2068{text}\u2069")) for line in lines)


def _with_nulls(value: object) -> object:
    """Return the value with null for each infinite number, which JSON can't contain."""
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nulls(item) for item in value]

    return None if isinstance(value, float) and math.isinf(value) else value


@settings(deadline=None)
@given(hostile)
def test_json_keeps_every_sentence(document: Document) -> None:
    """JSON contains each object in `sentences` exactly, in order, with unknown members."""
    read = json.loads(_render("json", document))

    # Compared as text: to Python, 1, 1.0 and True are the same.
    sentences = [item for item in document["sentences"] if isinstance(item, dict)]
    assert json.dumps(read["sentences"]) == json.dumps(_with_nulls(sentences))
    assert json.dumps(read["id"]) == json.dumps(_with_nulls(document.get("id")))
    assert list(read) == ["id", "participants", "sentences"]


def test_json_keeps_what_other_formats_cannot() -> None:
    """JSON keeps lone surrogates, NULs, unknown members and sentences without text."""
    sentences = [
        {"text": "\ud800\x00", "confidence": 0.87, "words": [{"text": "\udfff"}]},
        {"startTimeSeconds": 1},
    ]

    assert json.loads(_render("json", {"sentences": sentences}))["sentences"] == sentences


def test_json_has_null_for_an_infinite_number() -> None:
    """A number such as 1e400, which Python reads as infinite, is null in JSON."""
    document = json.loads('{"sentences": [{"startTimeSeconds": 1e400, "sentenceIndex": 1}]}')

    assert json.loads(_render("json", document))["sentences"] == [
        {"startTimeSeconds": None, "sentenceIndex": 1}
    ]


def test_json_without_sentences_has_empty_arrays() -> None:
    """JSON always has its three members, with arrays even if they are invalid."""
    assert _render("json", {"id": "x", "sentences": None, "participants": "y"}) == (
        '{"id":"x","participants":[],"sentences":[]}'
    )


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("text", ""),
        ("vtt", "WEBVTT\n\n"),
        ("srt", "1\n00:00:00,000 --> 00:00:01,000\n\u00a0\n"),
    ],
)
def test_transcript_without_text_is_a_valid_file(name: str, file: str) -> None:
    """A transcript without texts is a valid file; in SubRip it has a cue that shows nothing."""
    assert _render(name, {"sentences": [{"startTimeSeconds": 1}]}) == file


def test_sentence_cannot_inject_another() -> None:
    """A text that looks like the format's syntax stays inside its own cue."""
    malicious_text = (
        "yes\n\n2\n00:00:09.000 --> 00:00:10.000\n<v Agent>no</v>\r\nAgent: {\\an8}<i>no &lt;"
    )
    document = with_sentences({"text": malicious_text, "audioChannelIndex": 1})
    line = f"Channel 1: {normalize(malicious_text)}"

    assert _render("text", document) == f"{line}\n"
    assert [read.line for read in _parse_vtt(_render("vtt", document))] == [line]
    assert len(list(_parse_srt(_render("srt", document)))) == 1


def test_speaker_is_escaped() -> None:
    """A participant's name can't close a tag."""
    document = with_sentences({"participantIndex": 0}, participants=[{"name": "A>B & <C>"}])

    assert "\n<v A&gt;B &amp; &lt;C&gt;>words</v>\n" in _render("vtt", document)
    assert "\nA\uff1eB & \uff1cC\uff1e: words\n" in _render("srt", document)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Jane", "שלום, הזמנה מספר 12 הגיעה."),
        ("Jane", "مرحبا، رقم 12."),
        ("Jane", "Order 12 for שלום."),
        ("דנה", "Order 12."),
        ("דנה", "שלום."),
        ("Jane", "\u202eOrder 12."),
    ],
)
def test_right_to_left_text_is_isolated(name: str, text: str) -> None:
    """Behind a speaker's name, text is isolated if text or name have right-to-left letters.

    WebVTT shows the text without the name, and needs no isolate.
    """
    document = with_sentences({"participantIndex": 0, "text": text}, participants=[{"name": name}])

    assert _render("text", document) == f"{name}: \u2068{text}\u2069\n"
    assert f"\n{name}: \u2068{text}\u2069\n" in _render("srt", document)
    assert f"\n<v {name}>{text}</v>\n" in _render("vtt", document)


def test_left_to_right_text_is_not_isolated() -> None:
    """A line without right-to-left letters has no control characters."""
    document = with_sentences({"text": "Order 12, naïve 🙂 日本.", "audioChannelIndex": 1})

    assert _render("text", document) == "Channel 1: Order 12, naïve 🙂 日本.\n"


def test_hundred_hours_have_three_digits() -> None:
    """The hours have as many digits as needed, at least two."""
    document = with_sentences({"startTimeSeconds": 360_000.5})

    assert "\n100:00:00.500 --> 100:00:01.500\n" in _render("vtt", document)
    assert "\n100:00:00,500 --> 100:00:01,500\n" in _render("srt", document)


def test_names_and_media_types() -> None:
    """The formats have the names of `?format=` and the media types of Accept."""
    assert {name: form.content_type for name, form in FORMATS.items()} == {
        "json": "application/json",
        "text": "text/plain; charset=utf-8",
        "vtt": "text/vtt; charset=utf-8",
        "srt": "application/x-subrip; charset=utf-8",
    }
