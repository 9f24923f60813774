"""The simulator signs callbacks, delivers them, and retries them by Twilio's rules."""

import base64
import json
from urllib.parse import urlsplit

import pytest

from receiver.settings.keys import SigningKey
from receiver.signatures.signature import SignedRequest, verify
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.event_log import EventLog
from tests.support import signing
from tests.support.environment import ROUTE, TOKEN
from tests.support.samples import COMPLETED, FAILED
from tests.support.simulator.account import (
    BY_RECORDING,
    BY_URL,
    CALLED_BACK_ONLY,
    recording,
    simulated,
)
from tests.support.simulator.callback_receiver import DROP, LARGE, Receiver

AUTH_TOKEN = SigningKey("auth-token-1", TOKEN, "HMAC_SHA1")
SHARED_KEY = SigningKey("KY1", "a-shared-secret", "HMAC_SHA256")


def _delivery_events(event_log: EventLog) -> list[str]:
    """Return the log entries about callbacks, without the other entries of the jobs."""
    job_events = {"created", "running", "completed", "failed", "stored"}

    return [
        f"{entry.event} {entry.detail}"
        for entry in event_log.entries()
        if entry.event not in job_events
    ]


def test_callback_is_flat_and_has_the_transcript(receiver: Receiver) -> None:
    """A callback has the members, the order and the lowercase status of Twilio's callbacks."""
    with simulated(callback_url=f"{receiver.url}{ROUTE}") as simulator:
        job = simulator.create(BY_RECORDING)
        simulator.finish()
    [received] = receiver.received
    document = json.loads(received.body)
    sample = json.loads(COMPLETED)
    assert set(document) == set(sample)
    assert set(document["sentences"][0]) == set(sample["sentences"][0])
    assert (document["id"], document["status"]) == (job.id, "completed")
    assert document["sentences"] == job.sentences()
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["User-Agent"] == "TwilioProxy/1.1"


def test_failed_job_is_called_back(receiver: Receiver) -> None:
    """The callback of a failed job has no sentences and no duration."""
    with simulated(callback_url=f"{receiver.url}{ROUTE}") as simulator:
        simulator.create({**BY_URL, "mediaUrl": "https://example.com/404.wav"})
        simulator.finish()
    document = json.loads(receiver.received[0].body)
    assert set(document) == set(json.loads(FAILED))
    assert (document["status"], document["duration"]) == ("failed", None)


@pytest.mark.parametrize("key", [AUTH_TOKEN, SHARED_KEY], ids=["HMAC_SHA1", "HMAC_SHA256"])
@pytest.mark.parametrize("query", ["", "?tenant=a%20b&x="])
def test_callbacks_are_signed(receiver: Receiver, key: SigningKey, query: str) -> None:
    """The service's own check and the tests' own signer accept signatures of both algorithms."""
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
def test_temporary_failure_is_retried(receiver: Receiver, answer: int) -> None:
    """The rule: a 5xx, 408, 425 or 429 answer, or no connection, is retried until it succeeds."""
    receiver.answers.extend([answer, answer, answer])
    with simulated(callback_url=receiver.url) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    failure = "no connection" if answer == DROP else str(answer)
    assert _delivery_events(simulator.event_log) == [f"retried {failure}"] * 3 + ["delivered 204"]
    assert len({received.body for received in receiver.received}) == 1
    assert len({r.headers["I-Twilio-Idempotency-Token"] for r in receiver.received}) == 1


@pytest.mark.parametrize(("answer", "code"), [(503, 17580), (DROP, 17582)])
def test_callback_has_three_retries(receiver: Receiver, answer: int, code: int) -> None:
    """The rule: Twilio retries three times, and the job's status is COMPLETED anyway."""
    receiver.answers.extend([answer] * 9)
    with simulated(callback_url=receiver.url) as simulator:
        job = simulator.create(CALLED_BACK_ONLY)
        simulator.finish()
        assert job.status(simulator.clock.now()) == "COMPLETED"
    assert len(receiver.received) == 4
    assert _delivery_events(simulator.event_log)[-1].endswith(f"error {code}")


@pytest.mark.parametrize("answer", [400, 401, 403, 404, 410, 413, 422])
def test_other_4xx_is_final(receiver: Receiver, answer: int) -> None:
    """The rule: Twilio doesn't retry after any other 4xx response."""
    receiver.answers.append(answer)
    with simulated(callback_url=receiver.url) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    assert _delivery_events(simulator.event_log) == [f"refused {answer}, Twilio's error 17580"]


@pytest.mark.parametrize("answer", [301, 302, 307, 308])
def test_redirect_is_not_followed(receiver: Receiver, answer: int) -> None:
    """The rule: Twilio limits redirects (17584), so the simulator follows none."""
    receiver.answers.append(answer)
    with simulated(callback_url=receiver.url) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    assert _delivery_events(simulator.event_log) == [f"refused {answer}, Twilio's error 17584"]
    assert len(receiver.received) == 1


def test_large_response_is_an_error(receiver: Receiver) -> None:
    """The rule: a response with a large body is error 17583."""
    receiver.answers.append(LARGE)
    with simulated(callback_url=receiver.url) as simulator:
        simulator.create(BY_RECORDING)
        simulator.finish()
    assert _delivery_events(simulator.event_log) == ["refused 200, Twilio's error 17583"]


def test_large_callback_is_skipped(receiver: Receiver) -> None:
    """The rule: Twilio skips a callback above 1 MB (17564), and the job's status is COMPLETED."""
    with simulated(callback_url=receiver.url) as simulator:
        job = simulator.create({**BY_RECORDING, "sourceId": f"RE17564{'0' * 27}"})
        simulator.finish()
        assert job.status(simulator.clock.now()) == "COMPLETED"
        assert job.to_resource(simulator.clock.now(), "")["conversationId"]
    assert receiver.received == []
    assert simulator.event_log.job_ids("skipped") == [job.id]


def test_configuration_without_callback_sends_none(receiver: Receiver) -> None:
    """The simulator sends no callback for a job that is only stored in a conversation."""
    with simulated(callback_url=receiver.url) as simulator:
        made = simulator.configurations.create(
            {"configuration": {"conversationConfigurationId": "conv_configuration_x"}},
            simulator.clock.now(),
        )
        simulator.create({**BY_RECORDING, "transcriptionConfigurationId": made["id"]})
        simulator.finish()
    assert receiver.received == []
    assert _delivery_events(simulator.event_log) == []


def test_credentials_in_the_url_are_sent(receiver: Receiver) -> None:
    """The simulator signs a URL with its credentials, and sends them as Basic authentication."""
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
    """The receiver gets exactly one callback for each job of both configurations."""
    with simulated(callback_url=receiver.url) as simulator:
        jobs = [
            simulator.create({**document, "sourceId": recording(number)})
            for number in range(50)
            for document in (BY_RECORDING, CALLED_BACK_ONLY)
        ]
        simulator.finish()
    documents = [json.loads(received.body) for received in receiver.received]
    assert sorted(each["id"] for each in documents) == sorted(job.id for job in jobs)
    assert {each["transcriptionConfigurationId"] for each in documents} >= {CALLBACK_ONLY}
