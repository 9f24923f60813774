"""Tests of an attempt, with a real receiver that verifies each message."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.push.message import Message
from receiver.push.sender import MAX_RETRY_AFTER_SECONDS, AttemptOutcome, AttemptResult, Sender
from receiver.settings.push_endpoints import PushEndpoint
from tests.support.media.server import serve_raw
from tests.support.paths import ROOT
from tests.support.push_receiver import (
    CERTIFICATE,
    SECRET,
    PushReceiver,
    Reply,
    serve_push_receiver,
)
from tests.support.server import free_port

MESSAGE = Message("msg_1", b'{"sequence": 1, "data": {"id": "job"}}\n')
ATTEMPT_SECONDS = 0.3
_DELIVERED = AttemptOutcome.DELIVERED
_SEND_WITH_DEBUG_LOG = """
import logging.config, sys
from receiver.push.message import Message
from receiver.push.sender import Sender
from receiver.runtime.logs import log_config
from receiver.settings.push_endpoints import PushEndpoint
logging.config.dictConfig(log_config("DEBUG"))
logging.debug("configured")
sender = Sender(PushEndpoint("orders", sys.argv[1], (bytes(32),)), attempt_seconds=0.5)
sender.send(Message("msg_1", b'{"data": {"id": "job"}}'))
"""


@pytest.fixture
def receiver() -> Iterator[PushReceiver]:
    """Yield a receiver that accepts everything."""
    with serve_push_receiver() as served:
        yield served


def _failed(reason: str, retry_after_seconds: float | None = None) -> AttemptResult:
    return AttemptResult(AttemptOutcome.FAILED, reason, retry_after_seconds)


def _send(endpoint: PushEndpoint) -> AttemptResult:
    with Sender(endpoint, attempt_seconds=ATTEMPT_SECONDS) as sender:
        return sender.send(MESSAGE)


def test_message_arrives_signed(receiver: PushReceiver) -> None:
    """The body arrives as it is, with the headers of Standard Webhooks and no more."""
    assert _send(receiver.endpoint()) == AttemptResult(_DELIVERED)
    [attempt] = receiver.attempts
    assert attempt.message == {"sequence": 1, "data": {"id": "job"}}
    assert attempt.id == "msg_1"
    assert attempt.headers["content-type"] == "application/json"
    assert attempt.headers.keys() == {
        *("host", "user-agent", "accept", "accept-encoding", "connection"),
        *("content-type", "content-length"),
        *("webhook-id", "webhook-timestamp", "webhook-signature"),
    }


def test_messages_share_a_connection() -> None:
    """The connection stays open after answers of any status with a short body."""
    with serve_push_receiver(
        Reply(200, body=b"ok"), Reply(500, body=b"x" * 5000), Reply(204)
    ) as receiver:
        with Sender(receiver.endpoint()) as sender:
            outcomes = [sender.send(MESSAGE).outcome for _ in range(3)]
        assert outcomes == [_DELIVERED, AttemptOutcome.FAILED, _DELIVERED]
        assert receiver.connections == 1


def test_idle_connection_is_not_used_again(receiver: PushReceiver) -> None:
    """After a pause a message has a new connection: the old one may be closing at that moment."""
    with Sender(receiver.endpoint(), max_idle_seconds=0) as sender:
        assert [sender.send(MESSAGE).outcome for _ in range(2)] == [_DELIVERED] * 2
    assert receiver.connections == 2


def test_long_body_is_not_read() -> None:
    """Of a large answer only the status counts; the next message has a new connection."""
    with serve_push_receiver(Reply(200, body=bytes(1_000_000))) as receiver:
        with Sender(receiver.endpoint()) as sender:
            outcomes = [sender.send(MESSAGE).outcome for _ in range(2)]
        assert outcomes == [_DELIVERED] * 2
        assert receiver.connections == 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(410), AttemptResult(AttemptOutcome.GONE, "answered 410")),
        (Reply(404), _failed("answered 404")),
        (Reply(500, {"Retry-After": "9"}), _failed("answered 500")),
        (Reply(503), _failed("answered 503")),
        (Reply(503, {"Retry-After": "9"}), _failed("answered 503", 9.0)),
        (Reply(429, {"Retry-After": "9"}), _failed("answered 429", 9.0)),
        (Reply(429, {"Retry-After": "soon"}), _failed("answered 429")),
        (Reply(429, {"Retry-After": "9" * 99}), _failed("answered 429", MAX_RETRY_AFTER_SECONDS)),
        (Reply(hangs=True), _failed("no response within 0.3 s")),
        (Reply(trickles="head"), _failed("no response within 0.3 s")),
        (Reply(200, trickles="body"), AttemptResult(_DELIVERED)),
        (Reply(drops=True), _failed("the connection failed (ProtocolError)")),
        (Reply(600), _failed("answered 600")),
    ],
)
def test_result_of_an_answer(reply: Reply, expected: AttemptResult) -> None:
    """Each answer has a result, within the time of an attempt."""
    with serve_push_receiver(reply) as receiver:
        assert _send(receiver.endpoint()) == expected


@given(st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 "]))
def test_any_answer_is_a_result(rest: bytes, start: bytes) -> None:
    """Whatever bytes the endpoint sends, it raises nothing; only success has no reason."""

    def respond(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(start + rest)

    with serve_raw(respond) as port:
        result = _send(PushEndpoint("orders", f"http://127.0.0.1:{port}/", (SECRET,)))
    assert (result.outcome is _DELIVERED) == (result.reason == "")


def test_retry_after_may_be_a_date() -> None:
    """A date gives the seconds until then."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    with serve_push_receiver(Reply(503, {"Retry-After": date})) as receiver:
        assert 90 < (_send(receiver.endpoint()).retry_after_seconds or 0) <= 101


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(receiver: PushReceiver, status: int) -> None:
    """A redirect fails: the signed message goes to no other address."""
    reply = Reply(status, {"Location": receiver.url, "Set-Cookie": "a=b"})
    with serve_push_receiver(reply) as redirecting:
        result = _send(redirecting.endpoint())
    assert result == _failed(f"answered {status}, and redirects are not followed")
    assert receiver.attempts == []


def test_nothing_of_the_environment_is_used(
    receiver: PushReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy in the environment gets no message."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert _send(receiver.endpoint()).outcome is _DELIVERED


def test_cookies_are_not_kept() -> None:
    """An endpoint that sets cookies fills no memory, and doesn't get them back."""
    with serve_push_receiver(Reply(200, {"Set-Cookie": "a=b"})) as receiver:
        with Sender(receiver.endpoint()) as sender:
            sender.send(MESSAGE)
            sender.send(MESSAGE)
        assert "cookie" not in receiver.attempts[1].headers


def test_certificate_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint needs a certificate of a known authority; SSL_CERT_FILE names one's own."""
    with serve_push_receiver(tls=True) as receiver:
        rejected = _failed("TLS failed: check the endpoint's certificate")
        assert _send(receiver.endpoint()) == rejected
        assert receiver.attempts == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert _send(receiver.endpoint()).outcome is _DELIVERED


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{port}/zQ9", "the connection failed (NewConnectionError)"),
        ("http://{label}.localhost/zQ9", "it can't be called (LocationParseError)"),
    ],
)
def test_reason_has_no_url(url: str, reason: str) -> None:
    """The reason of a failed connection doesn't repeat the URL, which may be secret."""
    url = url.format(port=free_port(), label="zQ9" * 30)
    assert _send(PushEndpoint("orders", url, (SECRET,))) == _failed(reason)


def test_log_has_no_url() -> None:
    """The HTTP library logs neither the URL nor a malformed header, at no level."""
    reply = Reply(200, {"without a colon\r\nX": "zQ9answer"})
    with serve_push_receiver(reply, secrets=[bytes(32)]) as receiver:
        command = [sys.executable, "-c", _SEND_WITH_DEBUG_LOG, f"{receiver.url}/zQ9path"]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        assert len(receiver.attempts) == 1
    assert "configured" in done.stderr
    assert "zQ9" not in done.stderr


def test_each_secret_signs(receiver: PushReceiver) -> None:
    """During a rotation, both secrets verify the message."""
    receiver.secrets = [SECRET, bytes(32)]
    assert _send(receiver.endpoint()).outcome is _DELIVERED
    assert _send(replace(receiver.endpoint(), secrets=(SECRET,))).reason == "answered 401"
    assert len(receiver.attempts) == len(receiver.errors) == 1
