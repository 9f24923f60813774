"""The check reports each of Twilio's error codes for the responses of a real server."""

import gzip
import re
import socket
import tracemalloc
from collections.abc import Callable

import pytest

from receiver.preflight import check as module
from receiver.preflight.check import check
from receiver.preflight.errors import ErrorCode
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, serve_raw, serving

GIB = 2**30
HOUR = 3600


def issue_codes(answer: Answer) -> list[ErrorCode]:
    """Return the codes of the issues that the check reports for this response."""
    with serving({"/": answer}) as server:
        return [issue.code for issue in check(server.url(), policy=OPEN_POLICY, timeout_seconds=30)]


WAV_OF_9_HOURS = audio_files.riff(
    audio_files.fmt(), audio_files.chunk(b"data", b"", size=9 * HOUR * 16000), size=0
)
BLOB = audio_files.riff(
    audio_files.fmt(rate=48000, channels=2), audio_files.chunk(b"data", b"", size=0)
)
ANSWERS = {
    "wav": (Answer(audio_files.wav(3)), []),
    "flac": (Answer(audio_files.flac(3)), []),
    "mp3": (Answer(audio_files.mp3(3)), []),
    "mp3-cover": (Answer(audio_files.id3(3 * 2**20) + audio_files.mp3(3)), []),
    "8h": (Answer(audio_files.flac(8 * HOUR)), []),
    "2s": (Answer(audio_files.wav(2)), []),
    "3GiB": (Answer(BLOB, 3 * GIB), []),
    "stereo": (Answer(audio_files.wav(3, channels=2)), []),
    "nothing": (Answer(), [ErrorCode.NOT_SUPPORTED]),
    "wav-long": (Answer(WAV_OF_9_HOURS, 10 * HOUR * 16000), [ErrorCode.TOO_LONG]),
    "flac-long": (Answer(audio_files.flac(8 * HOUR + 1), GIB), [ErrorCode.TOO_LONG]),
    "mp3-long": (Answer(audio_files.mp3(9), 9 * HOUR * 16000), [ErrorCode.TOO_LONG]),
    "mp3-cover-long": (
        Answer(audio_files.id3(2**20) + audio_files.mp3(9), 9 * HOUR * 16000),
        [17555],
    ),
    "xing-long": (Answer(audio_files.xing(9 * HOUR), GIB), [ErrorCode.TOO_LONG]),
    "wav-short": (Answer(audio_files.wav(1.9)), [ErrorCode.TOO_SHORT]),
    "mp3-short": (Answer(audio_files.mp3(1.5)), [ErrorCode.TOO_SHORT]),
    "flac-short": (Answer(audio_files.flac(1.9)), [ErrorCode.TOO_SHORT]),
    "cut-tag": (Answer(audio_files.id3(300_000)[:200_000]), [ErrorCode.NOT_SUPPORTED]),
    "rate-0": (
        Answer(audio_files.riff(audio_files.fmt(rate=0), audio_files.chunk(b"data", bytes(99)))),
        [ErrorCode.LOW_SAMPLE_RATE],
    ),
    "low": (Answer(audio_files.wav(3, rate=7999)), [ErrorCode.LOW_SAMPLE_RATE]),
    "flac-low": (Answer(audio_files.flac(3, rate=4000)), [ErrorCode.LOW_SAMPLE_RATE]),
    "6 channels": (Answer(audio_files.wav(3, channels=6)), [ErrorCode.TOO_MANY_CHANNELS]),
    "flac-3": (Answer(audio_files.flac(3, channels=3)), [ErrorCode.TOO_MANY_CHANNELS]),
    "large": (Answer(BLOB, 3 * GIB + 1), [ErrorCode.TOO_LARGE]),
    "large-html": (Answer(b"<html>", 4 * GIB), [ErrorCode.NOT_SUPPORTED, ErrorCode.TOO_LARGE]),
    "broken": (Answer(audio_files.flac(3)[:20]), [ErrorCode.CORRUPTED]),
    "all": (
        Answer(audio_files.wav(0.5, rate=4000, channels=3)),
        [ErrorCode.LOW_SAMPLE_RATE, ErrorCode.TOO_MANY_CHANNELS, ErrorCode.TOO_SHORT],
    ),
}
STATUSES = {
    400: ErrorCode.DOWNLOAD_FAILED,
    401: ErrorCode.FORBIDDEN,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    410: ErrorCode.NOT_FOUND,
    416: ErrorCode.DOWNLOAD_FAILED,
    429: ErrorCode.DOWNLOAD_FAILED,
    500: ErrorCode.DOWNLOAD_FAILED,
    799: ErrorCode.DOWNLOAD_FAILED,
}


@pytest.mark.parametrize("takes_ranges", [True, False], ids=["ranges", "whole"])
@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_each_limit_has_its_code(
    answer: Answer, expected: list[int], *, takes_ranges: bool
) -> None:
    """A file over a limit of size, duration, rate, channels or format has the limit's code."""
    answer.takes_ranges = takes_ranges
    assert issue_codes(answer) == expected


@pytest.mark.parametrize("takes_ranges", [True, False], ids=["ranges", "whole"])
def test_without_size_rate_and_channels_are_checked(*, takes_ranges: bool) -> None:
    """If the server sends no size, the check still reports sample rate and channels."""
    answer = Answer(
        audio_files.wav(0.5, channels=3), GIB, takes_ranges=takes_ranges, sends_size=False
    )
    assert issue_codes(answer) == [ErrorCode.TOO_MANY_CHANNELS]


def test_file_read_to_its_end_has_a_size() -> None:
    """The check knows the size of a file that it read to its end, without a Content-Length."""
    answer = Answer(audio_files.wav(0.5), takes_ranges=False, sends_size=False)
    assert issue_codes(answer) == [ErrorCode.TOO_SHORT]


@pytest.mark.parametrize("status", STATUSES)
def test_status_has_its_code(status: int) -> None:
    """Status 401 and 403 are code 17553, 404 and 410 are 17552, all others are 17551."""
    assert issue_codes(Answer(b"a page", status=status)) == [STATUSES[status]]


@pytest.mark.parametrize("name", ["wav", "html", "none"])
def test_content_type_is_ignored(name: str) -> None:
    """A wrong Content-Type is no issue: the bytes decide."""
    content_type = {"wav": "audio/wav", "html": "text/html", "none": ""}[name]
    assert issue_codes(Answer(audio_files.mp3(3), headers={"Content-Type": content_type})) == []


def test_only_needed_ranges_are_requested() -> None:
    """The check requests two parts of a large file with a large cover picture, uncompressed."""
    answer = Answer(audio_files.id3(5 * 2**20) + audio_files.mp3(9), GIB)
    with serving({"/": answer}) as server:
        check(server.url(), policy=OPEN_POLICY, timeout_seconds=30)
    cover = len(audio_files.id3(5 * 2**20))
    assert [asked["Range"] for asked in server.asked] == [
        "bytes=0-131071",
        f"bytes={cover}-{cover + 131071}",
    ]
    assert {asked["Accept-Encoding"] for asked in server.asked} == {"identity"}


def test_small_tag_needs_one_request() -> None:
    """A file with a small tag needs one request only."""
    with serving({"/": Answer(audio_files.id3(2000) + audio_files.mp3(9), GIB)}) as server:
        check(server.url(), policy=OPEN_POLICY, timeout_seconds=30)
    assert len(server.asked) == 1


def test_reading_ends_after_the_requested_part() -> None:
    """The check reads one part, even if the server answers a range request with gigabytes."""
    head = b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-4294967295/4294967296\r\n\r\n"

    def respond(connection: socket.socket) -> None:
        connection.sendall(head + BLOB)
        while True:
            connection.sendall(bytes(65536))

    with serve_raw(respond) as port:
        issues = check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30)
    assert [issue.code for issue in issues] == [ErrorCode.TOO_LARGE]


def test_bytes_beyond_the_download_limit_are_not_checked() -> None:
    """Without range support, the check reports nothing about bytes after the first 8 MiB."""
    assert issue_codes(Answer(audio_files.id3(9 * 2**20) + b"junk", GIB, takes_ranges=False)) == []


def test_skipped_bytes_use_no_memory() -> None:
    """The check skips a large picture, without range support, in the memory of one or two parts."""
    answer = Answer(audio_files.id3(7 * 2**20) + audio_files.mp3(9), takes_ranges=False)
    assert issue_codes(answer) == []
    tracemalloc.start()
    try:
        issue_codes(answer)
        assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("digits", [19, 400, 5000])
def test_impossible_content_length_is_ignored(digits: int) -> None:
    """The check ignores an impossible Content-Length and reports the rest."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1%s\r\n\r\n" % (b"0" * (digits - 1))
    file = audio_files.riff(
        audio_files.fmt(channels=3), audio_files.chunk(b"data", bytes(200_000), size=2**31), size=0
    )

    def respond(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head + file)

    with serve_raw(respond) as port:
        issues = check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30)
    assert [issue.code for issue in issues] == [ErrorCode.TOO_MANY_CHANNELS]


def test_refused_connection_is_a_failed_download() -> None:
    """A port without a server is code 17551."""
    with serving({}) as server:
        url = server.url()
    assert [issue.code for issue in check(url, policy=OPEN_POLICY)] == [ErrorCode.DOWNLOAD_FAILED]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 7-9/99\r\n\r\n" + bytes(20),
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-9/99\r\n\r\nabc",
        b"HTTP/1.1 302 Found\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + bytes(70000),
    ],
)
def test_invalid_response_is_a_failed_download(answer: bytes) -> None:
    """A response that is cut short, contradicts itself or isn't HTTP is code 17551."""
    with serve_raw(lambda connection: connection.sendall(answer)) as port:
        issues = check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30)
    assert [issue.code for issue in issues] == [ErrorCode.DOWNLOAD_FAILED]


def _codes_of_responses(
    *, ranged: Callable[[int], bytes], whole: bytes | None = None
) -> list[ErrorCode]:
    """Return the codes for a server that answers the request of a range, and any other one."""

    def respond(connection: socket.socket) -> None:
        request = connection.recv(65536)
        asked = re.search(rb"Range: bytes=(\d+)", request)
        answer = ranged(int(asked[1])) if asked else whole
        assert answer is not None
        connection.sendall(answer)

    with serve_raw(respond) as port:
        issues = check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30)

    return [issue.code for issue in issues]


def _ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]

    return b"\r\n".join([*lines, b"", body])


@pytest.mark.parametrize("status", [400, 403, 404, 405, 416, 500, 501])
def test_server_that_refuses_ranges_is_asked_without(status: int) -> None:
    """If a request of a range is refused, the response to a plain GET decides."""
    refusal = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status
    assert _codes_of_responses(ranged=lambda _: refusal, whole=_ok(audio_files.wav(3))) == []
    assert _codes_of_responses(ranged=lambda _: refusal, whole=_ok(audio_files.wav(1))) == [
        ErrorCode.TOO_SHORT
    ]


@pytest.mark.parametrize(
    "content_range", [b"", b"bytes 7-9/99", b"items 0-9/99", b"bytes 0-131071/999999"]
)
def test_server_with_wrong_ranges_is_asked_without(content_range: bytes) -> None:
    """If the range of a response is another one or incomplete, a plain GET decides."""
    head = b"HTTP/1.1 206 Partial\r\nContent-Range: %s\r\n\r\n" % content_range
    assert (
        _codes_of_responses(ranged=lambda _: head + bytes(20), whole=_ok(audio_files.wav(3))) == []
    )


def test_unit_of_a_range_may_be_in_upper_case() -> None:
    """`Content-Range: Bytes` is as good as `bytes`."""
    file = audio_files.wav(1)
    head = b"HTTP/1.1 206 Partial\r\nContent-Range: Bytes 0-%d/%d\r\n\r\n"
    answer = head % (len(file) - 1, len(file)) + file
    assert _codes_of_responses(ranged=lambda _: answer) == [ErrorCode.TOO_SHORT]


@pytest.mark.parametrize("later", [b"HTTP/1.1 403 No\r\n\r\n", b"", b"junk\r\n"])
def test_refused_later_range_is_no_issue(later: bytes) -> None:
    """If a later part can't be read, nothing is reported about it."""
    file = audio_files.id3(200_000) + b"junk"
    head = b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-131071/%d\r\n\r\n" % len(file)
    first = head + file[:131072]
    assert _codes_of_responses(ranged=lambda start: later if start else first) == []


def test_compressed_response_is_no_issue() -> None:
    """If the server compresses the file although it must not, nothing is reported about it."""
    compressed = gzip.compress(audio_files.wav(1))
    for encoding, codes in {
        b"gzip": [],
        b"GZIP": [],
        b"identity": [ErrorCode.NOT_SUPPORTED],
    }.items():
        answer = _ok(compressed, b"Content-Encoding: " + encoding)
        assert _codes_of_responses(ranged={0: answer}.__getitem__) == codes


def test_issue_has_code_and_text() -> None:
    """An issue consists of a code and a sentence."""
    with serving({"/": Answer(status=404)}) as server:
        (issue,) = check(server.url(), policy=OPEN_POLICY)
    assert (str(issue), issue.code) == ("17552: media.example answers 404", 17552)


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_issue_contains_no_credential(status: int) -> None:
    """The check sends a URL's password and query to its host only; no issue contains them."""
    answer = Answer(b"junk", status=status, headers={"Location": "/?token=hush"})
    with serving({"/?token=hush": answer}) as server:
        issues = check(
            server.url("/?token=hush", host="user:hush@media.example"), policy=OPEN_POLICY
        )
    assert issues
    assert "hush" not in str(issues)
    assert server.asked[0]["Authorization"] == "Basic dXNlcjpodXNo"


def test_limits_are_twilios() -> None:
    """The limits are 3 GiB, 2 seconds, 8 hours, 8 kHz and two channels."""
    assert (module.MAX_SIZE_BYTES, module.MIN_DURATION_SECONDS, module.MAX_DURATION_SECONDS) == (
        3 * GIB,
        2,
        8 * HOUR,
    )
    assert (module.MIN_SAMPLE_RATE_HZ, module.MAX_CHANNEL_COUNT) == (8000, 2)
