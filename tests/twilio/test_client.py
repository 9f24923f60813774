"""The client of Twilio's API: what it sends and how it reads the responses."""

import base64

import pytest
from werkzeug.wrappers import Request, Response

from receiver.twilio.client import (
    NotConfiguredError,
    Twilio,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
    open_twilio,
)
from tests.support.environment import TOKEN
from tests.support.samples import ACCOUNT, JOB
from tests.support.scripted import Scripted, accepted, answer, document, problem


def test_create_sends_body_and_key(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """A job is submitted as JSON with its key, and the response contains the exact bytes."""
    scripted_twilio.answers(accepted())
    received = twilio_client.create({"sourceId": "RE1", "name": "Zoë"}, idempotency_key="key-1")
    [asked] = scripted_twilio.asked
    assert (asked.method, asked.path) == ("POST", "/v3/Transcriptions")
    assert asked.json == {"sourceId": "RE1", "name": "Zoë"}
    assert asked.headers["Idempotency-Key"] == "key-1"
    assert received.status == 202
    assert received.document["transcription"]["id"] == JOB
    assert received.body == accepted().data


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
def test_calls_are_authenticated(
    scripted_twilio: Scripted, changes: dict[str, str], user: tuple[str, str]
) -> None:
    """The credentials are the API key's, otherwise the account's with its own token."""
    scripted_twilio.answers(answer(document()))
    with open_twilio(scripted_twilio.settings(**changes)) as twilio_client:
        twilio_client.fetch(JOB)
    [asked] = scripted_twilio.asked
    expected = base64.b64encode(":".join(user).encode()).decode()
    assert asked.headers["Authorization"] == f"Basic {expected}"


def _user_of(request: Request) -> tuple[str, str]:
    assert request.authorization is not None
    parameters = request.authorization

    return parameters.username or "", parameters.password or ""


@pytest.mark.parametrize("bound", ["", f"{ACCOUNT}="])
def test_next_token_is_tried_after_a_401(
    scripted_twilio: Scripted, caplog: pytest.LogCaptureFixture, bound: str
) -> None:
    """During a rotation the token that Twilio accepts is found, and tried first from then on."""
    settings = scripted_twilio.settings(TWILIO_AUTH_TOKEN=f"{bound}old-{len(bound)},{bound}new")
    scripted_twilio.answers(
        lambda request: answer(document()) if "new" in _user_of(request)[1] else problem(401, 20003)
    )
    for _ in range(2):
        with open_twilio(settings) as twilio_client:
            twilio_client.fetch(JOB)
    tokens = [_user_of(asked)[1][:3] for asked in scripted_twilio.asked]
    assert tokens == ["old", "new", "new"]
    assert "refused auth token 1 of the account (401) and accepted token 2" in caplog.text


def test_all_tokens_may_be_refused(scripted_twilio: Scripted) -> None:
    """If Twilio refuses every token, the call fails as one refusal."""
    scripted_twilio.answers(problem(401, 20003))
    settings = scripted_twilio.settings(TWILIO_AUTH_TOKEN="one,two,three")
    with open_twilio(settings) as twilio_client, pytest.raises(TwilioRefusedError) as caught:
        twilio_client.fetch(JOB)
    assert caught.value.is_credentials_error
    assert len(scripted_twilio.asked) == 3


def test_refusal_has_the_members_of_the_problem(
    twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """A refusal has the status, code, detail and errors of the problem document."""
    fault = {"detail": "No such recording.", "pointer": "#/sourceId", "else": 1}
    scripted_twilio.answers(problem(400, 17502, detail="Bad.", errors=[fault]))
    with pytest.raises(TwilioRefusedError) as caught:
        twilio_client.fetch(JOB)
    refused = caught.value
    assert (refused.status, refused.code, refused.detail) == (400, 17502, "Bad.")
    assert refused.errors == [{"detail": "No such recording.", "pointer": "/sourceId"}]
    assert str(refused) == "Twilio refused it (400, code 17502): Bad. /sourceId: No such recording."
    assert TOKEN not in str(refused)


def test_message_does_not_repeat_the_detail(
    twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """If an error repeats the detail, the message contains the error with its pointer only."""
    fault = {"detail": "No such recording.", "pointer": "#/sourceId"}
    scripted_twilio.answers(problem(400, 17502, detail=fault["detail"], errors=[fault]))
    with pytest.raises(TwilioRefusedError) as caught:
        twilio_client.fetch(JOB)
    message = "Twilio refused it (400, code 17502): /sourceId: No such recording."
    assert str(caught.value) == message


def test_429_has_retry_after(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """A 429 has Twilio's Retry-After, or None."""
    scripted_twilio.answers(problem(429, 20429), answer({}, 429, Retry_After="7"))
    for seconds in (None, 7.0):
        with pytest.raises(TwilioBusyError) as caught:
            twilio_client.fetch(JOB)
        assert caught.value.retry_after_seconds == seconds


def test_retry_after_of_an_unfinished_job(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """The response to a fetch has the Retry-After of an unfinished job."""
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
def test_invalid_response_is_no_answer(
    twilio_client: Twilio, scripted_twilio: Scripted, reply: Response
) -> None:
    """A server error or a body in another form leaves the result unknown."""
    scripted_twilio.answers(reply)
    with pytest.raises(TwilioUnavailableError):
        twilio_client.fetch(JOB)


@pytest.mark.parametrize("value", ["", "../x", "a/b", "a?b", "a" * 129, "ä", "a\n"])
def test_invalid_id_is_not_sent(
    twilio_client: Twilio, scripted_twilio: Scripted, value: str
) -> None:
    """An invalid id would lead to another resource."""
    for call in (twilio_client.fetch, twilio_client.configuration, twilio_client.communications):
        with pytest.raises(ValueError, match="Not an id"):
            call(value)
    assert scripted_twilio.asked == []


def test_missing_credentials_are_named(scripted_twilio: Scripted) -> None:
    """The error without credentials names the missing variables."""
    with pytest.raises(NotConfiguredError, match=r"TWILIO_API_KEY.*TWILIO_ACCOUNT_SID"):
        open_twilio(scripted_twilio.settings(TWILIO_ACCOUNT_SID=""))
