"""Tests the exact bytes of Twilio's sample in the formats for people."""

import pytest

from receiver.lookup.formats import FORMATS
from tests.support.documents import sample

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
def test_sample_is_rendered_exactly(name: str, file: str) -> None:
    """Twilio's sample gives exactly these bytes; other bytes need another RENDERER_VERSION."""
    assert FORMATS[name].render(sample()).decode() == file
