"""Tests of the connection after a body that wasn't received in time."""

from contextlib import suppress
from pathlib import Path

from tests.support.server import read_response, web_server

HEAD = (
    "POST /callbacks/transcription?bodySHA256={hash} HTTP/1.1\r\nHost: {host}\r\n"
    "X-Twilio-Signature: forged\r\nTransfer-Encoding: chunked\r\n\r\n"
)
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_rest_of_abandoned_body_is_not_a_request(migrated: str, tmp_path: Path) -> None:
    """The connection closes after an abandoned body, so the rest can't become a request."""
    with (
        web_server(migrated, tmp_path / "log", {"rejected_read_seconds": 0.5}) as web,
        web.connect() as connection,
    ):
        head = HEAD.format(hash="0" * 64, host=f"127.0.0.1:{web.port}").encode()
        connection.sendall(head + b"%x\r\n{" % (len(SMUGGLED) + 1))
        answer = connection.recv(65536)
        with suppress(ConnectionError):  # the server has closed it already
            connection.sendall(SMUGGLED)
            answer += read_response(connection)
    assert answer.startswith(b"HTTP/1.1 403")
    assert answer.count(b"HTTP/1.1 ") == 1
