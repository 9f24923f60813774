"""The transport of Twilio's client: hosts, redirects, size limits and deadlines."""

import gzip
import json
import socket
import threading

import pytest
from requests import PreparedRequest, RequestException, Session
from werkzeug.wrappers import Response

from receiver.runtime.deadline import Deadline
from receiver.twilio.client import (
    Twilio,
    TwilioUnavailableError,
    open_twilio,
)
from receiver.twilio.transport import rest_client
from tests.support.dripping_server import BODY, HEAD, serve_dripping
from tests.support.environment import TOKEN
from tests.support.samples import ACCOUNT, JOB
from tests.support.scripted import Scripted, answer, document
from tests.support.server import free_port


def test_base_url_replaces_all_hosts(
    scripted_twilio: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of Twilio's hosts are replaced by TWILIO_BASE_URL, regardless of the region."""
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    scripted_twilio.answers(answer({"meta": {"key": "rows"}, "rows": []}))
    with open_twilio(scripted_twilio.settings()) as twilio_client:
        twilio_client.fetch(JOB)
        twilio_client.configuration("calls")
        list(twilio_client.list(createdAfter="2026-04-02T19:25:20Z"))
        twilio_client.communications("conv_conversation_1")
    assert [asked.full_path.rstrip("?") for asked in scripted_twilio.asked] == [
        f"/v3/Transcriptions/{JOB}",
        "/v2/Configurations/Transcription/calls",
        "/v3/Transcriptions?pageSize=100&createdAfter=2026-04-02T19:25:20Z".replace(":", "%3A"),
        "/v2/Conversations/conv_conversation_1/Communications?pageSize=100",
    ]


def test_default_hosts_are_twilios(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TWILIO_BASE_URL the calls go to Twilio's own hosts."""
    with open_twilio(Scripted().settings(TWILIO_BASE_URL="")) as twilio_client:
        urls: list[str | None] = []

        def send(_: Session, request: PreparedRequest, **_options: object) -> None:
            urls.append(request.url)
            raise RequestException  # nothing may be sent to Twilio

        monkeypatch.setattr(Session, "send", send)
        for call in (
            twilio_client.fetch,
            twilio_client.configuration,
            twilio_client.communications,
        ):
            with pytest.raises(TwilioUnavailableError):
                call("id")
    assert urls == [
        "https://voice.twilio.com/v3/Transcriptions/id",
        "https://voice.twilio.com/v2/Configurations/Transcription/id",
        "https://conversations.twilio.com/v2/Conversations/id/Communications?pageSize=100",
    ]


def test_proxies_of_the_environment_are_ignored(
    twilio_client: Twilio, scripted_twilio: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy in the environment receives no call."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    scripted_twilio.answers(answer(document()))
    assert twilio_client.fetch(JOB).document["id"] == JOB


def test_redirect_is_not_followed(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """No other server receives the credentials through a redirect."""
    scripted_twilio.answers(
        Response(status=307, headers={"Location": f"{scripted_twilio.url}/elsewhere"})
    )
    with pytest.raises(TwilioUnavailableError, match="307"):
        twilio_client.fetch(JOB)
    assert len(scripted_twilio.asked) == 1


def test_oversized_response_is_no_answer(scripted_twilio: Scripted) -> None:
    """A response is read up to the limit of a document or of a page."""
    with _open_limited(scripted_twilio) as twilio_client:
        scripted_twilio.answers(answer({"x": "y" * 1000}))
        with pytest.raises(TwilioUnavailableError, match="larger than 1000"):
            twilio_client.fetch(JOB)
        scripted_twilio.answers(answer({"x": "y" * 2000}))
        with pytest.raises(TwilioUnavailableError, match="larger than 2000"):
            list(twilio_client.list())


def test_oversized_redirect_is_no_answer(scripted_twilio: Scripted) -> None:
    """The body of a redirect has the same limit."""
    scripted_twilio.answers(
        Response("x" * 1001, 307, {"Location": f"{scripted_twilio.url}/elsewhere"})
    )
    with (
        _open_limited(scripted_twilio) as twilio_client,
        pytest.raises(TwilioUnavailableError, match="larger"),
    ):
        twilio_client.fetch(JOB)


def _open_limited(scripted_twilio: Scripted) -> Twilio:
    """Return a client that reads 1000 bytes of a document and 2000 of a page."""
    return Twilio(
        rest_client(
            (ACCOUNT, TOKEN),
            base_url=scripted_twilio.url,
            deadline=None,
            max_document_bytes=1000,
            max_page_bytes=2000,
        )
    )


@pytest.mark.parametrize("body", [b"{}", b"5\r\n{}"])
def test_truncated_response_is_no_answer(body: bytes) -> None:
    """Half a body is no answer, with a Content-Length or with chunks."""
    length = b"Transfer-Encoding: chunked" if b"\r" in body else b"Content-Length: 9"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n" + body)

        server = threading.Thread(target=serve)
        server.start()
        settings = Scripted(url=f"http://127.0.0.1:{listener.getsockname()[1]}").settings()
        with (
            open_twilio(settings) as twilio_client,
            pytest.raises(TwilioUnavailableError, match="did not answer"),
        ):
            twilio_client.fetch(JOB)
        server.join()


def test_compressed_response_is_read(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """A response may be compressed with gzip."""
    compressed = Response(
        gzip.compress(json.dumps(document()).encode()), headers={"Content-Encoding": "gzip"}
    )
    scripted_twilio.answers(compressed)
    assert twilio_client.fetch(JOB).document == document()


def test_closed_port_is_no_answer() -> None:
    """A closed port leaves the result unknown and is no refusal."""
    settings = Scripted(url=f"http://127.0.0.1:{free_port()}").settings()
    with (
        open_twilio(settings) as twilio_client,
        pytest.raises(TwilioUnavailableError, match="did not answer"),
    ):
        twilio_client.fetch(JOB)


def test_deadline_ends_a_call() -> None:
    """A call to a silent server ends at the deadline, and the next one isn't sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = Scripted(url=f"http://127.0.0.1:{listener.getsockname()[1]}").settings()
        with open_twilio(settings, deadline=Deadline(0.2)) as twilio_client:
            with pytest.raises(TwilioUnavailableError, match="did not answer"):
                twilio_client.fetch(JOB)
            with pytest.raises(TwilioUnavailableError, match="No time was left"):
                twilio_client.fetch(JOB)


@pytest.mark.parametrize("begin", [HEAD, BODY])
def test_deadline_ends_an_endless_response(begin: bytes) -> None:
    """A response whose head or body arrives byte by byte ends at the deadline."""
    with (
        serve_dripping(begin) as url,
        open_twilio(Scripted(url=url).settings(), deadline=Deadline(0.2)) as twilio_client,
        pytest.raises(TwilioUnavailableError, match="did not answer"),
    ):
        twilio_client.fetch(JOB)
