"""What the API says about transcripts and jobs at the end of their retention."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.app import Reader, Twilio
from tests.support.command import run
from tests.support.environment import KEY
from tests.support.retention import count_all, execute, run_pass
from tests.support.samples import COMPLETED, JOB
from tests.support.stored_callbacks import callback, json_of

URL = f"/v3/Transcriptions/{JOB}"


def _age(engine: Engine, days: int) -> None:
    """Let everything have been received this many days earlier."""
    execute(
        engine,
        f"UPDATE events SET received_at = received_at - interval '{days} days';"
        f"UPDATE transcriptions SET first_seen_at = first_seen_at - interval '{days} days'",
    )


@pytest.fixture
def expired(twilio: Twilio, engine: Engine) -> None:
    """Store a job with an expired transcript, and another one with a transcript."""
    assert twilio.call(COMPLETED).status_code == 204
    _age(engine, 11)
    assert twilio.call(callback("young", sentences=[{}])).status_code == 204
    assert run_pass(engine) == {"bodies": 1}


@pytest.mark.usefixtures("expired")
def test_job_says_that_its_transcript_has_expired(read: Reader) -> None:
    """The job is shown as before, with a transcript that isn't available, and no gap."""
    transcript = json_of(read(URL))["transcription"]["transcript"]
    assert transcript.pop("expiredAt").endswith("Z")
    assert transcript == {"available": False, "sentences": 5}
    assert json_of(read("/v3/Completeness"))["missing"] == 0


@pytest.mark.usefixtures("expired")
@pytest.mark.parametrize("path", ["/Transcript", "/Transcript.vtt"])
def test_expired_transcript_is_404(client: FlaskClient, path: str) -> None:
    """The problem says when it expired, and by which setting; a 304 isn't possible any more."""
    response = client.get(f"{URL}{path}", auth=KEY, headers={"If-None-Match": "*"})
    assert response.status_code == 404
    assert "It expired at " in response.text
    assert "RETAIN_BODIES_DAYS" in response.text
    assert "Retry-After" not in response.headers


@pytest.mark.usefixtures("expired")
def test_no_link_to_an_expired_transcript(client: FlaskClient) -> None:
    """A link to an expired transcript isn't made."""
    response = client.post(f"{URL}/Links", auth=KEY)
    assert response.status_code == 404
    assert "It expired at " in response.text


@pytest.mark.usefixtures("expired")
def test_callback_says_that_its_body_has_expired(read: Reader) -> None:
    """The callback is listed with its digest; its bytes are a 404."""
    [callback_] = json_of(read(f"{URL}/Callbacks"))["callbacks"]
    assert (callback_["bodyRemoved"], callback_["bytes"]) == ("expired", len(COMPLETED))
    assert read(f"{URL}/Callbacks/{callback_['id']}/Body").status_code == 404
    [young] = json_of(read("/v3/Transcriptions/young/Callbacks"))["callbacks"]
    assert "bodyRemoved" not in young


@pytest.mark.usefixtures("expired")
@pytest.mark.parametrize(("value", "ids"), [("true", ["young"]), ("false", [JOB])])
def test_expired_transcript_does_not_pass_the_filter(
    read: Reader, value: str, ids: list[str]
) -> None:
    """A job with an expired transcript counts as one without."""
    listed: list[dict[str, Any]] = json_of(read(f"/v3/Transcriptions?hasTranscript={value}"))[
        "transcriptions"
    ]
    assert [job["id"] for job in listed] == ids


def test_replayed_callback_of_a_removed_job_stores_nothing(
    twilio: Twilio, read: Reader, engine: Engine
) -> None:
    """A signed callback that is sent again after its job was removed is answered 204."""
    assert twilio.call(COMPLETED).status_code == 204
    _age(engine, 31)
    assert run_pass(engine) == {"bodies": 1, "jobs": 1, "events": 1}
    assert read(URL).status_code == 404
    assert twilio.call(COMPLETED).status_code == 204
    assert count_all(engine, "events", "transcriptions", "rejected") == 0
    assert read(URL).status_code == 404


def test_replayed_callback_with_an_expired_body_stores_no_body(
    twilio: Twilio, engine: Engine
) -> None:
    """A signed callback whose body has expired is counted, and its body isn't stored again."""
    assert twilio.call(COMPLETED).status_code == 204
    _age(engine, 11)
    run_pass(engine)
    assert twilio.call(COMPLETED).status_code == 204
    assert count_all(engine, "events WHERE body IS NULL AND deliveries = 2") == 1


@pytest.mark.usefixtures("expired")
def test_callbacks_list_marks_an_expired_body(app: Flask) -> None:
    """`callbacks list` and `callbacks show` say that the body has expired."""
    output = run(app, "callbacks", "list").output
    assert [line.count("(body expired)") for line in output.splitlines()] == [0, 1]
    assert "expired" in app.test_cli_runner().invoke(args=["callbacks", "show", "1"]).output
