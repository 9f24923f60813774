"""The check: each of Twilio's codes, told by a real server's answers."""

import socket
import tracemalloc

import pytest

from receiver.preflight import check as module
from receiver.preflight.check import check
from receiver.preflight.errors import ErrorCode
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, serve_raw, serving

GB = 2**30
HOUR = 3600


def codes(answer: Answer) -> list[ErrorCode]:
    """Return what is found wrong with what a server answers."""
    with serving({"/": answer}) as server:
        return [issue.code for issue in check(server.url(), policy=OPEN_POLICY, timeout_seconds=30)]


WAV_OF_9_HOURS = audio_files.riff(
    audio_files.fmt(), audio_files.chunk(b"data", b"", size=9 * HOUR * 16000), size=0
)
BLOB = audio_files.riff(
    audio_files.fmt(rate=48000, channels=2), audio_files.chunk(b"data", b"", size=0)
)
FAILING = {
    "wav": (Answer(audio_files.wav(3)), []),
    "flac": (Answer(audio_files.flac(3)), []),
    "mp3": (Answer(audio_files.mp3(3)), []),
    "mp3-cover": (Answer(audio_files.id3(3 * 2**20) + audio_files.mp3(3)), []),
    "8h": (Answer(audio_files.flac(8 * HOUR)), []),
    "2s": (Answer(audio_files.wav(2)), []),
    "3GiB": (Answer(BLOB, 3 * GB), []),
    "stereo": (Answer(audio_files.wav(3, channels=2)), []),
    "nothing": (Answer(), [ErrorCode.NOT_SUPPORTED]),
    "wav-long": (Answer(WAV_OF_9_HOURS, 10 * HOUR * 16000), [ErrorCode.TOO_LONG]),
    "flac-long": (Answer(audio_files.flac(8 * HOUR + 1), GB), [ErrorCode.TOO_LONG]),
    "mp3-long": (Answer(audio_files.mp3(9), 9 * HOUR * 16000), [ErrorCode.TOO_LONG]),
    "mp3-cover-long": (
        Answer(audio_files.id3(2**20) + audio_files.mp3(9), 9 * HOUR * 16000),
        [17555],
    ),
    "xing-long": (Answer(audio_files.xing(9 * HOUR), GB), [ErrorCode.TOO_LONG]),
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
    "large": (Answer(BLOB, 3 * GB + 1), [ErrorCode.TOO_LARGE]),
    "large-html": (Answer(b"<html>", 4 * GB), [ErrorCode.NOT_SUPPORTED, ErrorCode.TOO_LARGE]),
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
@pytest.mark.parametrize(("answer", "expected"), FAILING.values(), ids=FAILING)
def test_each_limit_has_its_code(
    answer: Answer, expected: list[int], *, takes_ranges: bool
) -> None:
    """The rules of size, length, rate, channels and format: what breaks one is told by its code."""
    answer.takes_ranges = takes_ranges
    assert codes(answer) == expected


@pytest.mark.parametrize("takes_ranges", [True, False], ids=["ranges", "whole"])
def test_without_a_size_only_length_and_size_are_not_told(*, takes_ranges: bool) -> None:
    """A server that doesn't tell the size lets rate and channels be known."""
    answer = Answer(
        audio_files.wav(0.5, channels=3), GB, takes_ranges=takes_ranges, tells_size=False
    )
    assert codes(answer) == [ErrorCode.TOO_MANY_CHANNELS]


def test_a_file_that_ends_has_a_size() -> None:
    """What was read to its end is known, whether the server told its size or not."""
    answer = Answer(audio_files.wav(0.5), takes_ranges=False, tells_size=False)
    assert codes(answer) == [ErrorCode.TOO_SHORT]


@pytest.mark.parametrize("status", STATUSES)
def test_a_refusal_is_told_by_its_status(status: int) -> None:
    """401 and 403 are 17553, 404 and 410 are 17552, all else is 17551."""
    assert codes(Answer(b"a page", status=status)) == [STATUSES[status]]


@pytest.mark.parametrize("name", ["wav", "html", "none"])
def test_the_bytes_decide_and_not_the_type(name: str) -> None:
    """A wrong Content-Type is no issue."""
    kind = {"wav": "audio/wav", "html": "text/html", "none": ""}[name]
    assert codes(Answer(audio_files.mp3(3), headers={"Content-Type": kind})) == []


def test_no_more_is_asked_for_than_needed() -> None:
    """Of a large file with a large cover picture two parts are fetched, without compression."""
    answer = Answer(audio_files.id3(5 * 2**20) + audio_files.mp3(9), GB)
    with serving({"/": answer}) as server:
        check(server.url(), policy=OPEN_POLICY, timeout_seconds=30)
    cover = len(audio_files.id3(5 * 2**20))
    assert [asked["Range"] for asked in server.asked] == [
        "bytes=0-131071",
        f"bytes={cover}-{cover + 131071}",
    ]
    assert {asked["Accept-Encoding"] for asked in server.asked} == {"identity"}


def test_a_small_tag_costs_no_second_request() -> None:
    """What follows a tag without a picture is there already."""
    with serving({"/": Answer(audio_files.id3(2000) + audio_files.mp3(9), GB)}) as server:
        check(server.url(), policy=OPEN_POLICY, timeout_seconds=30)
    assert len(server.asked) == 1


def test_no_more_is_read_than_asked_for() -> None:
    """A server that answers a range with gigabytes is listened to for one part."""
    head = b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-4294967295/4294967296\r\n\r\n"

    def speak(connection: socket.socket) -> None:
        connection.sendall(head + BLOB)
        while True:
            connection.sendall(bytes(65536))

    with serve_raw(speak) as port:
        issues = check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30)
    assert [issue.code for issue in issues] == [ErrorCode.TOO_LARGE]


def test_what_comes_after_a_picture_too_large_is_not_claimed() -> None:
    """Where a server gives no parts, nothing is said of what lies beyond the first 8 MiB."""
    assert codes(Answer(audio_files.id3(9 * 2**20) + b"junk", GB, takes_ranges=False)) == []


def test_what_is_passed_over_is_not_kept() -> None:
    """A large picture of a server that gives no parts takes no more memory than a part or two."""
    answer = Answer(audio_files.id3(7 * 2**20) + audio_files.mp3(9), takes_ranges=False)
    assert codes(answer) == []
    tracemalloc.start()
    try:
        codes(answer)
        assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("digits", [19, 400, 5000])
def test_a_length_beyond_all_measure_is_none(digits: int) -> None:
    """A Content-Length that no file can have is taken for unknown: the rest is told."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1%s\r\n\r\n" % (b"0" * (digits - 1))
    file = audio_files.riff(
        audio_files.fmt(channels=3), audio_files.chunk(b"data", bytes(200_000), size=2**31), size=0
    )

    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head + file)

    with serve_raw(speak) as port:
        issues = check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30)
    assert [issue.code for issue in issues] == [ErrorCode.TOO_MANY_CHANNELS]


def test_nobody_there_is_a_failed_download() -> None:
    """A port that nobody listens on is 17551."""
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
def test_an_answer_that_makes_no_sense_is_a_failed_download(answer: bytes) -> None:
    """What is cut short, contradicts itself or isn't HTTP is 17551."""
    with serve_raw(lambda connection: connection.sendall(answer)) as port:
        issues = check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30)
    assert [issue.code for issue in issues] == [ErrorCode.DOWNLOAD_FAILED]


def test_a_fault_tells_people_and_programs() -> None:
    """An issue reads as its code and a sentence."""
    with serving({"/": Answer(status=404)}) as server:
        (issue,) = check(server.url(), policy=OPEN_POLICY)
    assert (str(issue), issue.code) == ("17552: media.example answers 404", 17552)


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_no_fault_quotes_a_credential(status: int) -> None:
    """A URL's password and query are sent to its host and told to nobody."""
    answer = Answer(b"junk", status=status, headers={"Location": "/?token=hush"})
    with serving({"/?token=hush": answer}) as server:
        issues = check(
            server.url("/?token=hush", host="user:hush@media.example"), policy=OPEN_POLICY
        )
    assert issues
    assert "hush" not in str(issues)
    assert server.asked[0]["Authorization"] == "Basic dXNlcjpodXNo"


def test_the_limits_are_twilios() -> None:
    """3 GiB, 2 seconds, 8 hours, 8 kHz and two channels."""
    assert (module.MAX_SIZE_BYTES, module.MIN_DURATION_SECONDS, module.MAX_DURATION_SECONDS) == (
        3 * GB,
        2,
        8 * HOUR,
    )
    assert (module.MIN_SAMPLE_RATE_HZ, module.MAX_CHANNEL_COUNT) == (8000, 2)
