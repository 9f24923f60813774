"""The client: what it asks, what it makes of the answers, and where it never goes."""

import base64
import gzip
import json
import socket
import subprocess
import sys
import threading

import pytest
from requests import RequestException
from werkzeug.wrappers import Request, Response

from receiver.runtime.deadline import Deadline
from receiver.twilio import transport
from receiver.twilio.client import (
    NotConfiguredError,
    Twilio,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
    open_twilio,
)
from tests.support.dripping_server import BODY, serve_dripping
from tests.support.environment import TOKEN
from tests.support.paths import ROOT
from tests.support.scripted import ACCOUNT, JOB, Scripted, accepted, answer, document, problem
from tests.support.server import free_port


def test_create_sends_body_and_key(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """A job is submitted as JSON with its Idempotency-Key, and the answer keeps its bytes."""
    scripted_twilio.answers(accepted())
    got = twilio_client.create({"sourceId": "RE1", "name": "Zoë"}, idempotency_key="key-1")
    [asked] = scripted_twilio.asked
    assert (asked.method, asked.path) == ("POST", "/v3/Transcriptions")
    assert asked.json == {"sourceId": "RE1", "name": "Zoë"}
    assert asked.headers["Idempotency-Key"] == "key-1"
    assert got.status == 202
    assert got.document["transcription"]["id"] == JOB
    assert got.body == accepted().data


@pytest.mark.parametrize(
    ("changes", "user"),
    [
        ({}, (ACCOUNT, TOKEN)),
        ({"TWILIO_AUTH_TOKEN": f"other,{ACCOUNT}=bound"}, (ACCOUNT, "bound")),
        (
            {"TWILIO_API_KEY": "SK" + "b" * 32, "TWILIO_API_SECRET": "hush"},
            ("SK" + "b" * 32, "hush"),
        ),
    ],
)
def test_it_says_who_asks(
    scripted_twilio: Scripted, changes: dict[str, str], user: tuple[str, str]
) -> None:
    """The credentials are the API key's, else the account's with its own token."""
    scripted_twilio.answers(answer(document()))
    with open_twilio(scripted_twilio.settings(**changes)) as twilio_client:
        twilio_client.fetch(JOB)
    [asked] = scripted_twilio.asked
    expected = base64.b64encode(":".join(user).encode()).decode()
    assert asked.headers["Authorization"] == f"Basic {expected}"


def test_all_hosts_are_replaced(scripted_twilio: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Voice, conversations and configurations all go to TWILIO_BASE_URL, whatever the region."""
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


def test_without_a_base_url_it_is_twilio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset, the hosts are Twilio's own."""
    with open_twilio(Scripted().settings(TWILIO_BASE_URL="")) as twilio_client:
        sent: list[str] = []
        session = twilio_client._client.http_client.session  # noqa: SLF001 - nothing may be sent there

        def send(request: object, **_: object) -> None:
            sent.append(request.url)  # type: ignore[attr-defined]
            raise RequestException

        monkeypatch.setattr(session, "send", send)
        for call in (
            twilio_client.fetch,
            twilio_client.configuration,
            twilio_client.communications,
        ):
            with pytest.raises(TwilioUnavailableError):
                call("id")
    assert sent == [
        "https://voice.twilio.com/v3/Transcriptions/id",
        "https://voice.twilio.com/v2/Configurations/Transcription/id",
        "https://conversations.twilio.com/v2/Conversations/id/Communications?pageSize=100",
    ]


def test_proxies_and_credentials_of_the_environment_count_for_nothing(
    twilio_client: Twilio, scripted_twilio: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that somebody exported sees no call."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    scripted_twilio.answers(answer(document()))
    assert twilio_client.fetch(JOB).document["id"] == JOB


def test_a_redirect_is_not_followed(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """The credentials go nowhere else."""
    scripted_twilio.answers(
        Response(status=307, headers={"Location": f"{scripted_twilio.url}/elsewhere"})
    )
    with pytest.raises(TwilioUnavailableError, match="307"):
        twilio_client.fetch(JOB)
    assert len(scripted_twilio.asked) == 1


def test_a_refusal_is_told_with_its_code(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """A problem document's status, code, detail and errors are there."""
    fault = {"detail": "No such recording.", "pointer": "#/sourceId", "else": 1}
    scripted_twilio.answers(problem(400, 17502, detail="Bad.", errors=[fault]))
    with pytest.raises(TwilioRefusedError) as caught:
        twilio_client.fetch(JOB)
    refused = caught.value
    assert (refused.status, refused.code, refused.detail) == (400, 17502, "Bad.")
    assert refused.errors == [{"detail": "No such recording.", "pointer": "/sourceId"}]
    assert str(refused) == "Twilio refused it (400, code 17502): Bad. /sourceId: No such recording."
    assert TOKEN not in str(refused)


def test_a_refusal_is_told_once(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """Where an error repeats what the detail says, the error says where it is."""
    fault = {"detail": "No such recording.", "pointer": "#/sourceId"}
    scripted_twilio.answers(problem(400, 17502, detail=fault["detail"], errors=[fault]))
    with pytest.raises(TwilioRefusedError) as caught:
        twilio_client.fetch(JOB)
    told = "Twilio refused it (400, code 17502): /sourceId: No such recording."
    assert str(caught.value) == told


def test_busy_says_how_long(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """A 429 tells its Retry-After, or that it has none."""
    scripted_twilio.answers(problem(429, 20429), answer({}, 429, Retry_After="7"))
    for seconds in (None, 7.0):
        with pytest.raises(TwilioBusyError) as caught:
            twilio_client.fetch(JOB)
        assert caught.value.retry_after_seconds == seconds


def test_retry_after_of_an_unfinished_job(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """A fetch tells when to ask again."""
    scripted_twilio.answers(answer({"status": "RUNNING"}, Retry_After="12"))
    assert twilio_client.fetch(JOB).retry_after_seconds == 12.0


@pytest.mark.parametrize(
    "reply",
    [
        Response("oops", 500),
        Response("", 503),
        Response("", 408),
        Response("<html>", 200),
        Response("[]", 200),
        Response("9" * 5000, 200),
        Response("[" * 100_000, 200),
        Response(b"\xff", 200),
        Response("<html>", 404),
        Response("{}", 404),
        Response('{"code": "404"}', 400),
    ],
)
def test_what_is_no_answer_is_away(
    twilio_client: Twilio, scripted_twilio: Scripted, reply: Response
) -> None:
    """A server's fault, and what isn't in Twilio's form, leave open what was done."""
    scripted_twilio.answers(reply)
    with pytest.raises(TwilioUnavailableError):
        twilio_client.fetch(JOB)


def test_an_answer_without_end_is_cut(
    twilio_client: Twilio, scripted_twilio: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more is read than a job or a page may have."""
    monkeypatch.setattr(transport, "_MAX_DOCUMENT_BYTES", 1000)
    monkeypatch.setattr(transport, "_MAX_PAGE_BYTES", 2000)
    scripted_twilio.answers(answer({"x": "y" * 1000}))
    with pytest.raises(TwilioUnavailableError, match="larger than 1000"):
        twilio_client.fetch(JOB)
    scripted_twilio.answers(answer({"x": "y" * 2000}))
    with pytest.raises(TwilioUnavailableError, match="larger than 2000"):
        list(twilio_client.list())


def test_a_redirects_body_is_cut_too(
    twilio_client: Twilio, scripted_twilio: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an answer like another, however much it says of where to go."""
    monkeypatch.setattr(transport, "_MAX_DOCUMENT_BYTES", 1000)
    scripted_twilio.answers(
        Response("x" * 1001, 307, {"Location": f"{scripted_twilio.url}/elsewhere"})
    )
    with pytest.raises(TwilioUnavailableError, match="larger"):
        twilio_client.fetch(JOB)


@pytest.mark.parametrize("cut", [b"{}", b"5\r\n{}"])
def test_an_answer_that_is_cut_short_is_away(cut: bytes) -> None:
    """Half a body is none, whichever way its length was told."""
    length = b"Transfer-Encoding: chunked" if b"\r" in cut else b"Content-Length: 9"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n" + cut)

        server = threading.Thread(target=serve)
        server.start()
        settings = Scripted(url=f"http://127.0.0.1:{listener.getsockname()[1]}").settings()
        with (
            open_twilio(settings) as twilio_client,
            pytest.raises(TwilioUnavailableError, match="did not answer"),
        ):
            twilio_client.fetch(JOB)
        server.join()


def test_a_packed_answer_is_read(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """As long as we say that we take it, it may come as gzip."""
    packed = Response(
        gzip.compress(json.dumps(document()).encode()), headers={"Content-Encoding": "gzip"}
    )
    scripted_twilio.answers(packed)
    assert twilio_client.fetch(JOB).document == document()


def test_nobody_there_is_away() -> None:
    """A closed port is no refusal."""
    settings = Scripted(url=f"http://127.0.0.1:{free_port()}").settings()
    with (
        open_twilio(settings) as twilio_client,
        pytest.raises(TwilioUnavailableError, match="did not answer"),
    ):
        twilio_client.fetch(JOB)


def test_the_deadline_ends_the_call() -> None:
    """One that accepts and says nothing is given up, and after that nobody is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = Scripted(url=f"http://127.0.0.1:{listener.getsockname()[1]}").settings()
        with open_twilio(settings, deadline=Deadline(0.2)) as twilio_client:
            with pytest.raises(TwilioUnavailableError, match="did not answer"):
                twilio_client.fetch(JOB)
            with pytest.raises(TwilioUnavailableError, match="No time was left"):
                twilio_client.fetch(JOB)


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    """Each byte comes in time and the whole never would."""
    with (
        serve_dripping(BODY) as url,
        open_twilio(Scripted(url=url).settings(), deadline=Deadline(0.2)) as twilio_client,
        pytest.raises(TwilioUnavailableError, match="took too long"),
    ):
        twilio_client.fetch(JOB)


def _pages(request: Request) -> Response:
    number = int(request.args.get("pageToken", "0"))
    following = {"nextToken": str(number + 1)} if number < 2 else {}
    rows = [{"id": f"{number}-{request.args['status']}"}]

    return answer({"things": rows, "meta": {"key": "things", "pageSize": 100, **following}})


def test_a_list_goes_on_to_the_end(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """Twilio's tokens are followed, with the query on every page."""
    scripted_twilio.answers(_pages)
    pages = [page.documents for page in twilio_client.list(status="RUNNING")]
    assert pages == [[{"id": f"{number}-RUNNING"}] for number in range(3)]


def test_a_circle_ends(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """A token that comes again is an error and no endless list."""
    scripted_twilio.answers(answer({"a": [], "meta": {"key": "a", "nextToken": "again"}}))
    with pytest.raises(TwilioUnavailableError, match="repeats a nextToken"):
        list(twilio_client.list())


@pytest.mark.parametrize("token", [[1], "\0", "\ud800", "x" * 8193])
def test_a_token_that_can_be_none_is_not_followed(
    twilio_client: Twilio, scripted_twilio: Scripted, token: object
) -> None:
    """It is written down for the next pass, and so must be what the store can keep."""
    scripted_twilio.answers(answer({"a": [], "meta": {"key": "a", "nextToken": token}}))
    with pytest.raises(TwilioUnavailableError, match="invalid nextToken"):
        list(twilio_client.list())


@pytest.mark.parametrize(
    "page", [{}, {"meta": {"key": "a"}}, {"meta": {"key": []}}, {"a": [1], "meta": {"key": "a"}}]
)
def test_what_is_no_page_is_away(
    twilio_client: Twilio, scripted_twilio: Scripted, page: dict[str, object]
) -> None:
    """An object without the rows that its `meta` names is no answer."""
    scripted_twilio.answers(answer(page))
    with pytest.raises(TwilioUnavailableError, match="not a page"):
        list(twilio_client.list())


@pytest.mark.parametrize("value", ["", "../x", "a/b", "a?b", "a" * 129, "ä", "a\n"])
def test_an_id_that_can_be_none_is_never_sent(
    twilio_client: Twilio, scripted_twilio: Scripted, value: str
) -> None:
    """It would lead to another resource."""
    for call in (twilio_client.fetch, twilio_client.configuration, twilio_client.communications):
        with pytest.raises(ValueError, match="Not an id"):
            call(value)
    assert scripted_twilio.asked == []


def test_the_web_process_starts_without_the_sdk() -> None:
    """Its REST client, and the HTTP library under it, are imported for the first call only."""
    code = "import app, sys; print({'twilio.rest', 'requests'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"set()\n"


def test_without_credentials_nothing_is_asked(scripted_twilio: Scripted) -> None:
    """The error names the variables that are missing."""
    with pytest.raises(NotConfiguredError, match=r"TWILIO_API_KEY.*TWILIO_ACCOUNT_SID"):
        open_twilio(scripted_twilio.settings(TWILIO_ACCOUNT_SID=""))
