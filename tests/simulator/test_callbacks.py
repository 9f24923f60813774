"""Callbacks: signed, delivered, and tried again by Twilio's rule and no other."""

import base64
import json
from urllib.parse import urlsplit

import pytest

from receiver.settings.keys import SigningKey
from receiver.signatures.signature import SignedRequest, verify
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.event_log import EventLog
from tests.support import signing
from tests.support.paths import ROOT
from tests.support.simulator.account import (
    BY_RECORDING,
    BY_URL,
    CALLED_BACK_ONLY,
    TOKEN,
    recording,
    simulated,
)
from tests.support.simulator.callback_receiver import DROP, LARGE, Receiver

SAMPLES = ROOT / "tests" / "samples"
ROUTE = "/callbacks/transcription"
AUTH_TOKEN = SigningKey("auth-token-1", TOKEN, "HMAC_SHA1")
SHARED_KEY = SigningKey("KY1", "a-shared-secret", "HMAC_SHA256")


def _what(journal: EventLog) -> list[str]:
    """Return what became of the callbacks, without the rest of the jobs' lives."""
    rest = {"created", "running", "completed", "failed", "stored"}

    return [f"{note.event} {note.detail}" for note in journal.entries() if note.event not in rest]


def test_a_callback_is_flat_and_brings_the_transcript(receiver: Receiver) -> None:
    """The body has the members, in order, and the lowercase status that consumers see."""
    with simulated(callback_url=f"{receiver.url}{ROUTE}") as simulator:
        job = simulator.create(BY_RECORDING)
        simulator.finish()
    [received] = receiver.received
    told = json.loads(received.body)
    sample = json.loads((SAMPLES / "completed_flat.json").read_text())
    assert set(told) == set(sample)
    assert set(told["sentences"][0]) == set(sample["sentences"][0])
    assert (told["id"], told["status"]) == (job.id, "completed")
    assert told["sentences"] == job.sentences()
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["User-Agent"] == "TwilioProxy/1.1"


def test_a_failure_is_told_too(receiver: Receiver) -> None:
    """A failed job is called back as consumers see it: without sentences or a duration."""
    with simulated(callback_url=f"{receiver.url}{ROUTE}") as simulator:
        simulator.create({**BY_URL, "mediaUrl": "https://example.com/404.wav"})
        simulator.finish()
    told = json.loads(receiver.received[0].body)
    assert set(told) == set(json.loads((SAMPLES / "failed_flat.json").read_text()))
    assert (told["status"], told["duration"]) == ("failed", None)


@pytest.mark.parametrize("key", [AUTH_TOKEN, SHARED_KEY], ids=["HMAC_SHA1", "HMAC_SHA256"])
@pytest.mark.parametrize("query", ["", "?tenant=a%20b&x="])
def test_callbacks_are_signed(receiver: Receiver, key: SigningKey, query: str) -> None:
    """Both algorithms verify, with the service's own check and with the tests' own signer."""
    shared = key.algorithm == "HMAC_SHA256"
    url = f"{receiver.url}{ROUTE}{query}"
    with simulated(
        callback_url=url, signing_key=(key.id, key.secret) if shared else key.secret
    ) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    [received] = receiver.received
    called, headers = signing.callback(
        url, key.secret, received.body, key_id=key.id if shared else None
    )
    assert f"{receiver.url}{received.path}" == called
    assert {name: received.headers[name] for name in headers} == headers
    assert (received.headers["X-Twilio-Webhooks-Signature-Settings"] is None) is not shared
    signed = SignedRequest(
        url=called,
        signature=received.headers["X-Twilio-Signature"],
        settings=received.headers["X-Twilio-Webhooks-Signature-Settings"],
        content_type="application/json",
    )
    assert verify(signed, [key], received.body).key == key


@pytest.mark.parametrize("answer", [500, 503, 599, 408, 425, 429, DROP])
def test_some_failures_are_retried(receiver: Receiver, answer: int) -> None:
    """The rule: a 5xx, 408, 425 or 429 answer, or no connection, is retried until it is taken."""
    receiver.answers.extend([answer, answer, answer])
    with simulated(callback_url=receiver.url) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    said = "no connection" if answer == DROP else str(answer)
    assert _what(simulator.event_log) == [f"retried {said}"] * 3 + ["delivered 204"]
    assert len({received.body for received in receiver.received}) == 1
    assert len({r.headers["I-Twilio-Idempotency-Token"] for r in receiver.received}) == 1


@pytest.mark.parametrize(("answer", "code"), [(503, 17580), (DROP, 17582)])
def test_three_retries_are_all(receiver: Receiver, answer: int, code: int) -> None:
    """The rule: up to three times, and the job reads COMPLETED all the same."""
    receiver.answers.extend([answer] * 9)
    with simulated(callback_url=receiver.url) as simulator:
        job = simulator.create(CALLED_BACK_ONLY)
        simulator.finish()
        assert job.status(simulator.clock.now()) == "COMPLETED"
    assert len(receiver.received) == 4
    assert _what(simulator.event_log)[-1].endswith(f"error {code}")


@pytest.mark.parametrize("answer", [400, 401, 403, 404, 410, 413, 422])
def test_any_other_4xx_is_final(receiver: Receiver, answer: int) -> None:
    """The rule: other 4xx responses are not retried."""
    receiver.answers.append(answer)
    with simulated(callback_url=receiver.url) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    assert _what(simulator.event_log) == [f"refused {answer}: error 17580"]


@pytest.mark.parametrize("answer", [301, 302, 307, 308])
def test_no_redirect_is_followed(receiver: Receiver, answer: int) -> None:
    """The rule: redirects are limited (17584), so none may be needed."""
    receiver.answers.append(answer)
    with simulated(callback_url=receiver.url) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    assert _what(simulator.event_log) == [f"refused {answer}: error 17584"]
    assert len(receiver.received) == 1


def test_a_large_answer_is_an_error(receiver: Receiver) -> None:
    """The rule: the answer's body must be small (17583)."""
    receiver.answers.append(LARGE)
    with simulated(callback_url=receiver.url) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    assert _what(simulator.event_log) == ["refused 200: error 17583"]


def test_a_megabyte_is_skipped(receiver: Receiver) -> None:
    """The rule: above 1 MB the callback is skipped (17564), while the job reads completed."""
    with simulated(callback_url=receiver.url) as simulator:
        job = simulator.create({**BY_RECORDING, "sourceId": f"RE17564{'0' * 27}"})
        simulator.finish()
        assert job.status(simulator.clock.now()) == "COMPLETED"
        assert job.to_resource(simulator.clock.now(), "")["conversationId"]
    assert receiver.received == []
    assert simulator.event_log.job_ids("skipped") == [job.id]


def test_a_configuration_without_a_callback_calls_nobody(receiver: Receiver) -> None:
    """A transcript that is only stored in a conversation is not called back."""
    with simulated(callback_url=receiver.url) as simulator:
        made = simulator.configurations.create(
            {"configuration": {"conversationConfigurationId": "conv_configuration_x"}},
            simulator.clock.now(),
        )
        simulator.create({**BY_RECORDING, "transcriptionConfigurationId": made["id"]})
        simulator.finish()
    assert receiver.received == []
    assert _what(simulator.event_log) == []


def test_a_url_may_hold_credentials(receiver: Receiver) -> None:
    """The credentials in a URL are signed with it, and sent as what they are."""
    url = receiver.url.replace("//", "//jane:p%40ss@")
    with simulated(callback_url=url) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    [received] = receiver.received
    called, headers = signing.callback(url, TOKEN, received.body)
    basic = base64.b64encode(b"jane:p@ss").decode()
    assert received.headers["X-Twilio-Signature"] == headers["X-Twilio-Signature"]
    assert received.headers["Authorization"] == f"Basic {basic}"
    assert received.headers["Host"] == urlsplit(receiver.url).netloc
    assert called.endswith(received.path.removeprefix("/"))


def test_each_job_is_called_back_once(receiver: Receiver) -> None:
    """Many jobs of both configurations, and every one of them arrives."""
    with simulated(callback_url=receiver.url) as simulator:
        jobs = [
            simulator.create({**document, "sourceId": recording(number)})
            for number in range(50)
            for document in (BY_RECORDING, CALLED_BACK_ONLY)
        ]
        simulator.finish()
    told = [json.loads(received.body) for received in receiver.received]
    assert sorted(each["id"] for each in told) == sorted(job.id for job in jobs)
    assert {each["transcriptionConfigurationId"] for each in told} >= {CALLBACK_ONLY}
