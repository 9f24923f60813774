"""No URL, redirect or name leads into a private network, and no server holds the check."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import ip_address
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.preflight.address_policy import AddressPolicy
from receiver.preflight.check import check
from receiver.preflight.download import MAX_REDIRECT_COUNT
from receiver.preflight.errors import ErrorCode, Issue
from receiver.preflight.http_connection import HttpConnection
from receiver.preflight.media_url import parse_media_url
from receiver.runtime.deadline import Deadline
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, serve_raw, serving

GOOD = Answer(audio_files.wav(3))
# Stands for the public internet: one address of the loopback, and none of the others.
ONE = replace(
    OPEN_POLICY,
    lookup=lambda host, _port: [{"media.example": "127.0.0.1"}.get(host, host)],
    is_allowed=lambda address: address == ip_address("127.0.0.1"),
)


def codes(issues: list[Issue]) -> list[ErrorCode]:
    """Return the codes alone."""
    return [issue.code for issue in issues]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001"])
def test_the_default_refuses_the_loopback(host: str) -> None:
    """A server on this machine is not even connected to."""
    with serving({"/": GOOD}) as server:
        assert codes(check(server.url(host=host))) == [ErrorCode.DOWNLOAD_FAILED]
    assert server.asked == []


def test_the_default_refuses_a_name_of_a_private_address() -> None:
    """A public name that resolves to the loopback is not connected to."""
    policy = AddressPolicy(lookup=lambda _host, _port: ["127.0.0.1"])
    with serving({"/": GOOD}) as server:
        assert codes(check(server.url(), policy=policy)) == [ErrorCode.DOWNLOAD_FAILED]
    assert server.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.2", "10.0.0.1", "169.254.169.254", "[::1]"])
def test_a_redirect_goes_through_the_same_gate(status: int, host: str) -> None:
    """A public server can't send us to a private one."""
    with serving({"/private": GOOD}) as private:
        location = {"Location": private.url("/private", host=host)}
        with serving({"/": Answer(status=status, headers=location)}) as public:
            issues = check(public.url(), policy=ONE)
    assert codes(issues) == [ErrorCode.DOWNLOAD_FAILED]
    assert "no address" in issues[0].text
    assert private.asked == []


def test_redirects_are_followed_to_the_file() -> None:
    """As many redirects as are allowed lead to the file, relative or not."""
    answers = {
        f"/{hop}": Answer(status=302, headers={"Location": f"/{hop + 1}"})
        for hop in range(MAX_REDIRECT_COUNT)
    }
    with serving({**answers, f"/{MAX_REDIRECT_COUNT}": GOOD}) as server:
        assert check(server.url("/0"), policy=OPEN_POLICY) == []


def test_redirects_in_a_circle_end() -> None:
    """One redirect more is 17551, and nothing is asked after it."""
    with serving({"/": Answer(status=302, headers={"Location": "/"})}) as server:
        assert codes(check(server.url(), policy=OPEN_POLICY)) == [ErrorCode.DOWNLOAD_FAILED]
    assert len(server.asked) == 1 + MAX_REDIRECT_COUNT


def test_a_name_that_changes_its_address_is_asked_for_once() -> None:
    """The address that was judged is the one connected to, in every request for the file."""
    answers = chain(["127.0.0.1"], repeat("127.0.0.2"))
    policy = replace(ONE, lookup=lambda _host, _port: [next(answers)])
    with serving({"/": Answer(audio_files.id3(300_000) + audio_files.mp3(9))}) as server:
        assert check(server.url(), policy=policy) == []
    assert len(server.asked) == 2
    assert next(answers) == "127.0.0.2"


def test_the_name_is_in_the_request_though_the_address_is_connected_to() -> None:
    """The Host header is the URL's."""
    with serving({"/": GOOD}) as server:
        check(server.url(), policy=OPEN_POLICY)
    assert server.asked[0]["Host"] == f"media.example:{server.port}"


def test_the_port_is_in_the_host_header_only_where_it_is_unusual() -> None:
    """Signed URLs are signed with their Host header, so the target's own is sent as it stands."""
    with serving({"/": GOOD}) as server, ExitStack() as sockets:
        target = replace(parse_media_url(server.url()), host_header="signed.example")
        HttpConnection(
            target, [ip_address("127.0.0.1")], OPEN_POLICY, Deadline(30), sockets
        ).get_range(0, 1)
    assert server.asked[0]["Host"] == "signed.example"


def test_the_next_address_is_tried() -> None:
    """Where a name has several addresses, one that refuses is passed over."""
    policy = replace(OPEN_POLICY, lookup=lambda _host, _port: ["127.0.0.2", "127.0.0.1"])
    with serving({"/": GOOD}) as server:
        assert check(server.url(), policy=policy) == []


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY and its kin would let another machine resolve the name."""
    with serving({"/": GOOD}) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert check(server.url(), policy=OPEN_POLICY) == []


def test_the_certificate_is_held_against_the_name() -> None:
    """Over TLS the pinned address shows the name's certificate, which an authority signed."""
    with serving({"/": GOOD}, tls=True) as server:
        url = server.url(scheme="https")
        assert check(url, policy=OPEN_POLICY) == []
        others = [
            check(server.url(scheme="https", host="other.example"), policy=OPEN_POLICY),
            check(server.url(scheme="https", host="127.0.0.1"), policy=OPEN_POLICY),
            check(url, policy=replace(OPEN_POLICY, ca_file=AddressPolicy().ca_file)),
        ]
    for issues in others:
        assert codes(issues) == [ErrorCode.DOWNLOAD_FAILED]
        assert "certificate" in issues[0].text


def test_a_redirect_may_change_to_tls() -> None:
    """From http to https, the certificate is the new name's."""
    with serving({"/a": GOOD}, tls=True) as there:
        moved = Answer(status=301, headers={"Location": there.url("/a", scheme="https")})
        with serving({"/": moved}) as here:
            assert check(here.url(), policy=OPEN_POLICY) == []


def _drip(prefix: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def speak(connection: socket.socket) -> None:
        connection.sendall(prefix)
        while True:
            connection.sendall(drop)
            threading.Event().wait(0.02)

    return speak


def _silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize(
    ("scheme", "speak"),
    [
        ("http", _silent),
        ("https", _silent),
        ("http", _drip(b"HTTP/1.1 200 OK\r\nX: ", b"y")),
        ("http", _drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
        ("http", _drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"y")),
        ("http", _drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n")),
        ("http", _drip(b"HTTP/1.1 206 OK\r\nContent-Range: bytes 0-9999/9999\r\n\r\n", b"y")),
    ],
    ids=["silent", "handshake", "header", "continue", "body", "chunks", "part"],
)
def test_a_slow_sender_is_left_at_the_deadline(
    scheme: str, speak: Callable[[socket.socket], None]
) -> None:
    """One byte at a time, whether in the handshake, the header or the body, ends in 17551."""
    with serve_raw(speak) as port:
        (issue,) = check(
            f"{scheme}://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=0.3
        )
    assert str(issue) == "17551: no complete response within 0.3 s"


def test_an_endless_header_is_left() -> None:
    """A server that sends without end is left after 9 MiB."""

    def speak(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    with serve_raw(speak) as port:
        issues = check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30)
    assert codes(issues) == [ErrorCode.DOWNLOAD_FAILED]
    assert "within" not in issues[0].text


WORDS = [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 206 OK\r\n", b"Content-Range: bytes 0-9/99\r\n"]
WORDS += [b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Location: /\r\n", b"\r\n"]


@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=20)).map(b"".join))
def test_no_answer_raises_anything(answer: bytes) -> None:
    """Whatever a server says, the check returns issues."""

    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with serve_raw(speak) as port:
        for issue in check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30):
            assert issue.code in set(ErrorCode)
