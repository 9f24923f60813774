"""No URL, redirect or name leads into a private network, and no server blocks the check."""

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

VALID_FILE = Answer(audio_files.wav(3))
# One loopback address represents the public internet; all others are private.
ONE_ADDRESS_POLICY = replace(
    OPEN_POLICY,
    lookup=lambda host, _port: [{"media.example": "127.0.0.1"}.get(host, host)],
    is_allowed=lambda address: address == ip_address("127.0.0.1"),
)


def issue_codes(issues: list[Issue]) -> list[ErrorCode]:
    """Return the codes of the issues."""
    return [issue.code for issue in issues]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001"])
def test_default_policy_refuses_loopback(host: str) -> None:
    """By default the check opens no connection to a server on this machine."""
    with serving({"/": VALID_FILE}) as server:
        assert issue_codes(check(server.url(host=host))) == [ErrorCode.DOWNLOAD_FAILED]
    assert server.asked == []


def test_default_policy_refuses_name_of_a_private_address() -> None:
    """The check opens no connection to a public name that resolves to the loopback."""
    policy = AddressPolicy(lookup=lambda _host, _port: ["127.0.0.1"])
    with serving({"/": VALID_FILE}) as server:
        assert issue_codes(check(server.url(), policy=policy)) == [ErrorCode.DOWNLOAD_FAILED]
    assert server.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.2", "10.0.0.1", "169.254.169.254", "[::1]"])
def test_redirect_to_a_private_address_is_refused(status: int, host: str) -> None:
    """A public server can't redirect the check to a private one."""
    with serving({"/private": VALID_FILE}) as private:
        location = {"Location": private.url("/private", host=host)}
        with serving({"/": Answer(status=status, headers=location)}) as public:
            issues = check(public.url(), policy=ONE_ADDRESS_POLICY)
    assert issue_codes(issues) == [ErrorCode.DOWNLOAD_FAILED]
    assert "no address" in issues[0].text
    assert private.asked == []


def test_redirects_are_followed() -> None:
    """The check follows the maximum of redirects to the file."""
    answers = {
        f"/{hop}": Answer(status=302, headers={"Location": f"/{hop + 1}"})
        for hop in range(MAX_REDIRECT_COUNT)
    }
    with serving({**answers, f"/{MAX_REDIRECT_COUNT}": VALID_FILE}) as server:
        assert check(server.url("/0"), policy=OPEN_POLICY) == []


def test_redirects_are_limited() -> None:
    """One redirect over the limit is code 17551, and no further request follows."""
    with serving({"/": Answer(status=302, headers={"Location": "/"})}) as server:
        assert issue_codes(check(server.url(), policy=OPEN_POLICY)) == [ErrorCode.DOWNLOAD_FAILED]
    assert len(server.asked) == 1 + MAX_REDIRECT_COUNT


def test_name_is_resolved_once() -> None:
    """The check connects to the address that it validated, in every request for the file."""
    answers = chain(["127.0.0.1"], repeat("127.0.0.2"))
    policy = replace(ONE_ADDRESS_POLICY, lookup=lambda _host, _port: [next(answers)])
    with serving({"/": Answer(audio_files.id3(300_000) + audio_files.mp3(9))}) as server:
        assert check(server.url(), policy=policy) == []
    assert len(server.asked) == 2
    assert next(answers) == "127.0.0.2"


def test_host_header_is_the_urls() -> None:
    """The Host header contains the URL's host, not the address."""
    with serving({"/": VALID_FILE}) as server:
        check(server.url(), policy=OPEN_POLICY)
    assert server.asked[0]["Host"] == f"media.example:{server.port}"


def test_host_header_is_sent_unchanged() -> None:
    """The check sends the target's Host header unchanged, because signed URLs include it."""
    with serving({"/": VALID_FILE}) as server, ExitStack() as sockets:
        target = replace(parse_media_url(server.url()), host_header="signed.example")
        HttpConnection(target, [ip_address("127.0.0.1")], OPEN_POLICY, Deadline(30), sockets).get(
            None
        )
    assert server.asked[0]["Host"] == "signed.example"


def test_next_address_is_tried() -> None:
    """If a name has several addresses and one refuses the connection, the check tries the next."""
    policy = replace(OPEN_POLICY, lookup=lambda _host, _port: ["127.0.0.2", "127.0.0.1"])
    with serving({"/": VALID_FILE}) as server:
        assert check(server.url(), policy=policy) == []


def test_proxy_settings_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check ignores HTTP_PROXY and ALL_PROXY: a proxy would resolve the name itself."""
    with serving({"/": VALID_FILE}) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert check(server.url(), policy=OPEN_POLICY) == []


def test_certificate_must_match_the_name() -> None:
    """Over TLS the server needs a certificate for the URL's name from a trusted authority."""
    with serving({"/": VALID_FILE}, tls=True) as server:
        url = server.url(scheme="https")
        assert check(url, policy=OPEN_POLICY) == []
        others = [
            check(server.url(scheme="https", host="other.example"), policy=OPEN_POLICY),
            check(server.url(scheme="https", host="127.0.0.1"), policy=OPEN_POLICY),
            check(url, policy=replace(OPEN_POLICY, ca_file=AddressPolicy().ca_file)),
        ]
    for issues in others:
        assert issue_codes(issues) == [ErrorCode.DOWNLOAD_FAILED]
        assert "certificate" in issues[0].text


def test_redirect_to_https_is_followed() -> None:
    """After a redirect from http to https, the certificate must match the new name."""
    with serving({"/a": VALID_FILE}, tls=True) as target_server:
        redirect = Answer(status=301, headers={"Location": target_server.url("/a", scheme="https")})
        with serving({"/": redirect}) as redirecting_server:
            assert check(redirecting_server.url(), policy=OPEN_POLICY) == []


def _send_slowly(prefix: bytes, part: bytes) -> Callable[[socket.socket], None]:
    def respond(connection: socket.socket) -> None:
        connection.sendall(prefix)
        while True:
            connection.sendall(part)
            threading.Event().wait(0.02)

    return respond


def _send_nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize(
    ("scheme", "respond"),
    [
        ("http", _send_nothing),
        ("https", _send_nothing),
        ("http", _send_slowly(b"HTTP/1.1 200 OK\r\nX: ", b"y")),
        ("http", _send_slowly(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
        ("http", _send_slowly(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"y")),
        (
            "http",
            _send_slowly(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n"),
        ),
        (
            "http",
            _send_slowly(b"HTTP/1.1 206 OK\r\nContent-Range: bytes 0-9999/9999\r\n\r\n", b"y"),
        ),
    ],
    ids=["silent", "handshake", "header", "continue", "body", "chunks", "part"],
)
def test_slow_response_ends_at_the_deadline(
    scheme: str, respond: Callable[[socket.socket], None]
) -> None:
    """A server that sends one byte at a time, in any part of the response, is code 17551."""
    with serve_raw(respond) as port:
        (issue,) = check(
            f"{scheme}://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=0.3
        )
    assert str(issue) == "17551: no complete response within 0.3 s"


def test_endless_header_is_aborted() -> None:
    """The check aborts a response that sends headers without end."""

    def respond(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    with serve_raw(respond) as port:
        issues = check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30)
    assert issue_codes(issues) == [ErrorCode.DOWNLOAD_FAILED]
    assert "within" not in issues[0].text


RESPONSE_PARTS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 206 OK\r\n",
    b"Content-Range: bytes 0-9/99\r\n",
]
RESPONSE_PARTS += [
    b"Content-Length: ",
    b"Transfer-Encoding: chunked\r\n",
    b"Location: /\r\n",
    b"\r\n",
]


@given(st.lists(st.sampled_from(RESPONSE_PARTS) | st.binary(max_size=20)).map(b"".join))
def test_any_response_gives_issues(answer: bytes) -> None:
    """The check returns issues for any response."""

    def respond(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with serve_raw(respond) as port:
        for issue in check(f"http://media.example:{port}/", policy=OPEN_POLICY, timeout_seconds=30):
            assert issue.code in set(ErrorCode)
