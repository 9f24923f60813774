"""The four formats, read back by small parsers that share nothing with what wrote them."""

import html
import json
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings

from receiver.lookup.cues import extract_cues
from receiver.lookup.formats import FORMATS
from tests.support.documents import (
    Document,
    displayed_texts,
    hostile,
    normalize,
    sample,
    with_sentences,
)

_FULLWIDTH = {"<": "\uff1c", ">": "\uff1e", "{": "\uff5b", "}": "\uff5d"}
_NEWLINE = re.compile(r"\r\n|\n|\r")


class _Read(NamedTuple):
    """A cue as a parser found it."""

    start: int
    end: int
    line: str


def _rendered(name: str, document: Document) -> str:
    return FORMATS[name].render(document).decode()


def _times(line: str, mark: str) -> tuple[int, int]:
    clock = rf"(\d{{2,}}):([0-5]\d):([0-5]\d){re.escape(mark)}(\d{{3}})"
    found = re.fullmatch(f"{clock} --> {clock}", line)
    assert found, line
    parts = [int(part) for part in found.groups()]
    start, end = (
        ((hours * 60 + minutes) * 60 + seconds) * 1_000 + thousandths
        for hours, minutes, seconds, thousandths in (parts[:4], parts[4:])
    )

    return start, end


def _read_vtt(file: str) -> Iterator[_Read]:
    """Read WebVTT: a header, then blocks of a timing line and one line in a voice tag."""
    magic, separator, *lines = _NEWLINE.split(file)
    assert (magic, separator) == ("WEBVTT", "")
    for place in range(0, len(lines) - 1, 3):
        timing, payload, blank = lines[place : place + 3]
        assert "-->" not in payload
        assert blank == ""
        found = re.fullmatch(r"<v ([^<>]+)>([^<>]+)</v>", payload)
        assert found, payload
        speaker, text = map(html.unescape, found.groups())
        yield _Read(*_times(timing, "."), f"{speaker}: {text}")


def _read_srt(file: str) -> Iterator[_Read]:
    """Read SubRip: blocks of a number that counts up, a timing line and one line of text."""
    lines = _NEWLINE.split(file)
    for number, place in enumerate(range(0, len(lines) - 1, 4), 1):
        counted, timing, payload, blank = lines[place : place + 4]
        assert (counted, blank) == (str(number), "")
        assert not set("<>{}") & set(payload)
        yield _Read(*_times(timing, ","), payload)


@settings(deadline=None)
@given(hostile)
def test_vtt_reads_back(document: Document) -> None:
    """WebVTT gives back every cue: times, speaker, and the text to the character."""
    read = list(_read_vtt(_rendered("vtt", document)))

    assert read == [
        _Read(cue.start_ms, cue.end_ms, f"{cue.speaker}: {cue.text}")
        for cue in extract_cues(document)
    ]


@settings(deadline=None)
@given(hostile)
def test_srt_reads_back(document: Document) -> None:
    """SubRip gives back every cue, brackets in their fullwidth forms."""
    read = list(_read_srt(_rendered("srt", document)))

    assert read == [
        _Read(
            cue.start_ms,
            cue.end_ms,
            "".join(_FULLWIDTH.get(char, char) for char in f"{cue.speaker}: {cue.text}"),
        )
        for cue in extract_cues(document)
    ]


@settings(deadline=None)
@given(hostile)
def test_text_has_one_line_for_each_sentence(document: Document) -> None:
    """Plain text has one line for each sentence with a text, whatever its reader splits at."""
    lines = _rendered("text", document).splitlines()

    assert lines == [f"{cue.speaker}: {cue.text}" for cue in extract_cues(document)]
    assert len(lines) == len(displayed_texts(document))


@settings(deadline=None)
@given(hostile)
def test_text_is_shown_unchanged_but_for_its_gaps(document: Document) -> None:
    """Every text is shown to the character; only control characters and surrogates give way."""
    lines = _rendered("text", document).splitlines()

    assert len(lines) == len(displayed_texts(document))
    for text in displayed_texts(document):
        assert any(line.endswith(f": {text}") for line in lines)


def _finite(value: object) -> object:
    """Return the value as JSON can say it, infinities as null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]

    return None if isinstance(value, float) and math.isinf(value) else value


@settings(deadline=None)
@given(hostile)
def test_json_passes_every_sentence_through(document: Document) -> None:
    """JSON gives back every item of `sentences` exactly, in its order, unknown members included."""
    read = json.loads(_rendered("json", document))

    # Compared as text: to Python, 1, 1.0 and True are the same.
    assert json.dumps(read["sentences"]) == json.dumps(_finite(document["sentences"]))
    assert json.dumps(read["id"]) == json.dumps(_finite(document.get("id")))
    assert list(read) == ["id", "participants", "sentences"]


def test_json_keeps_what_no_other_format_can() -> None:
    """A lone surrogate, a NUL, an unknown member and a sentence without text survive in JSON."""
    sentences = [
        {"text": "\ud800\x00", "confidence": 0.87, "words": [{"text": "\udfff"}]},
        {"startTimeSeconds": 1},
    ]

    assert json.loads(_rendered("json", {"sentences": sentences}))["sentences"] == sentences


def test_json_says_null_for_a_number_out_of_range() -> None:
    """1e400, legal in JSON and infinite in Python, is null; the numbers beside it stay."""
    document = json.loads('{"sentences": [{"startTimeSeconds": 1e400, "sentenceIndex": 1}]}')

    assert json.loads(_rendered("json", document))["sentences"] == [
        {"startTimeSeconds": None, "sentenceIndex": 1}
    ]


def test_json_of_a_job_without_sentences_has_an_empty_array() -> None:
    """The three members are always there, of their own kind."""
    assert _rendered("json", {"id": "x", "sentences": None, "participants": "y"}) == (
        '{"id":"x","participants":[],"sentences":[]}'
    )


@pytest.mark.parametrize(("name", "file"), [("text", ""), ("vtt", "WEBVTT\n\n"), ("srt", "")])
def test_transcript_without_a_text_is_an_empty_file(name: str, file: str) -> None:
    """A transcript in which nothing is said is a valid file without cues."""
    assert _rendered(name, {"sentences": [{"startTimeSeconds": 1}]}) == file


def test_sentence_cannot_forge_another() -> None:
    """A text that looks like the format around it stays inside its own cue."""
    forged = "yes\n\n2\n00:00:09.000 --> 00:00:10.000\n<v Agent>no</v>\r\nAgent: {\\an8}<i>no &lt;"
    document = with_sentences({"text": forged, "audioChannelIndex": 1})
    line = f"Channel 1: {normalize(forged)}"

    assert _rendered("text", document) == f"{line}\n"
    assert [read.line for read in _read_vtt(_rendered("vtt", document))] == [line]
    assert len(list(_read_srt(_rendered("srt", document)))) == 1


def test_speaker_is_escaped_like_the_text() -> None:
    """A participant's name can close no tag."""
    document = with_sentences({"participantIndex": 0}, participants=[{"name": "A>B & <C>"}])

    assert "\n<v A&gt;B &amp; &lt;C&gt;>words</v>\n" in _rendered("vtt", document)
    assert "\nA\uff1eB & \uff1cC\uff1e: words\n" in _rendered("srt", document)


def test_hundred_hours_take_three_digits() -> None:
    """An hour is written in as many digits as it takes, two at least."""
    document = with_sentences({"startTimeSeconds": 360_000.5})

    assert "\n100:00:00.500 --> 100:00:01.500\n" in _rendered("vtt", document)
    assert "\n100:00:00,500 --> 100:00:01,500\n" in _rendered("srt", document)


def test_names_and_media_types_are_the_contract() -> None:
    """The formats have the names of `?format=` and the media types of Accept."""
    assert {name: form.content_type for name, form in FORMATS.items()} == {
        "json": "application/json",
        "text": "text/plain; charset=utf-8",
        "vtt": "text/vtt; charset=utf-8",
        "srt": "application/x-subrip",
    }


_TEXT = """\
Jane Doe: Hi, I am calling about the order I placed last Tuesday.
Agent Smith: Thank you for calling, I can help you with that. May I have your order number?
Jane Doe: Sure, it is four four seven one nine.
Agent Smith: Thanks. It left our warehouse this morning, you should have it tomorrow.
Jane Doe: Great, that is all I needed.
"""

_VTT = """\
WEBVTT

00:00:00.320 --> 00:00:03.900
<v Jane Doe>Hi, I am calling about the order I placed last Tuesday.</v>

00:00:03.900 --> 00:00:09.100
<v Agent Smith>Thank you for calling, I can help you with that. May I have your order number?</v>

00:00:09.410 --> 00:00:11.876
<v Jane Doe>Sure, it is four four seven one nine.</v>

00:00:13.050 --> 00:00:17.850
<v Agent Smith>Thanks. It left our warehouse this morning, you should have it tomorrow.</v>

00:00:18.200 --> 00:00:20.066
<v Jane Doe>Great, that is all I needed.</v>
"""

_SRT = """\
1
00:00:00,320 --> 00:00:03,900
Jane Doe: Hi, I am calling about the order I placed last Tuesday.

2
00:00:03,900 --> 00:00:09,100
Agent Smith: Thank you for calling, I can help you with that. May I have your order number?

3
00:00:09,410 --> 00:00:11,876
Jane Doe: Sure, it is four four seven one nine.

4
00:00:13,050 --> 00:00:17,850
Agent Smith: Thanks. It left our warehouse this morning, you should have it tomorrow.

5
00:00:18,200 --> 00:00:20,066
Jane Doe: Great, that is all I needed.
"""


@pytest.mark.parametrize(("name", "file"), [("text", _TEXT), ("vtt", _VTT), ("srt", _SRT)])
def test_sample_is_written_so(name: str, file: str) -> None:
    """Twilio's sample gives these bytes; with other ones, RENDERER_VERSION must be another."""
    assert _rendered(name, sample()) == file
