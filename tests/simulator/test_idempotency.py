"""The rules of the `Idempotency-Key`, each with the error code that Twilio documents for it."""

from receiver.simulator.simulator import Simulator
from tests.simulator.conftest import Http, assert_problem
from tests.support.simulator.account import BY_RECORDING, BY_URL


def test_key_returns_the_original_response(http: Http) -> None:
    """The rule: requests with the same `Idempotency-Key` return the original response."""
    first = http.create(BY_RECORDING, key="one")
    again = http.create(dict(reversed(BY_RECORDING.items())), key="one")
    other = http.create(BY_RECORDING, key="two")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["Idempotency-Key"] == "one"
    assert other.json()["transcription"]["id"] != first.json()["transcription"]["id"]


def test_key_belongs_to_its_payload(http: Http) -> None:
    """The rule: a key with another payload is an error (17534)."""
    assert http.create(BY_RECORDING, key="one").status_code == 202
    assert_problem(http.create(BY_URL, key="one"), 17534, None)


def test_refused_request_uses_no_key(http: Http) -> None:
    """A request that created no job leaves its key unused; a key has 128 characters at most."""
    assert http.create({}, key="one").status_code == 400
    assert http.create(BY_RECORDING, key="one").status_code == 202
    assert_problem(http.create(BY_RECORDING, key="k" * 129), 20001, None)


def test_key_expires_after_a_day(simulator: Simulator) -> None:
    """The rule: a key expires, after a day here, and then creates a new job."""
    first = simulator.create(BY_RECORDING, idempotency_key="one")
    simulator.advance(24 * 3600 - 1)
    later = simulator.create(BY_RECORDING, idempotency_key="two")
    assert simulator.create(BY_RECORDING, idempotency_key="one") is first
    simulator.advance(1)
    assert simulator.create(BY_URL, idempotency_key="one") is not first
    assert simulator.create(BY_RECORDING, idempotency_key="two") is later
