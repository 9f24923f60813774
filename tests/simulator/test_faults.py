"""Injected faults: their shares are as requested, and equal for equal seeds."""

import json
from collections import Counter

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.simulator.event_log import LogEntry
from receiver.simulator.faults import Faults
from receiver.simulator.server import serve
from tests.support.environment import TOKEN
from tests.support.samples import ACCOUNT
from tests.support.simulator.account import BY_RECORDING, recording, simulated
from tests.support.simulator.callback_receiver import Receiver, serve_receiver

FAULTS = Faults(lost=0.05, duplicated=0.1, reordered=0.2, late=0.02)
FAULT_EVENTS = ("lost", "duplicated", "reordered", "late")


def _run_jobs(receiver: Receiver, faults: Faults, *, seed: int, jobs: int) -> list[LogEntry]:
    with simulated(callback_url=receiver.url, faults=faults, seed=seed) as simulator:
        for number in range(jobs):
            simulator.create({**BY_RECORDING, "sourceId": recording(number)})
            simulator.advance(0.01)
        simulator.finish()
        return simulator.event_log.entries()


def test_shares_of_faults_are_as_requested(receiver: Receiver) -> None:
    """The shares of lost, duplicated, reordered and late callbacks are near the requested ones."""
    counts = Counter(entry.event for entry in _run_jobs(receiver, FAULTS, seed=7, jobs=1000))
    assert counts["created"] == counts["completed"] == 1000
    assert 30 < counts["lost"] < 70
    assert 65 < counts["duplicated"] < 125
    assert 150 < counts["reordered"] < 230
    assert 8 < counts["late"] < 32
    assert counts["delivered"] == 1000 - counts["lost"] + counts["duplicated"]


def test_same_seed_gives_same_faults(receiver: Receiver) -> None:
    """The same jobs have the same faults again."""

    def fault_events(seed: int) -> list[tuple[str, str]]:
        entries = _run_jobs(receiver, FAULTS, seed=seed, jobs=100)
        return sorted(
            (entry.event, entry.job_id) for entry in entries if entry.event in FAULT_EVENTS
        )

    assert fault_events(1) == fault_events(1)
    assert fault_events(1) != fault_events(2)


def test_lost_callback_is_logged_and_not_sent(receiver: Receiver) -> None:
    """The log names exactly the jobs whose callback was not sent."""
    entries = _run_jobs(receiver, Faults(lost=0.5), seed=3, jobs=40)
    arrived = {json.loads(received.body)["id"] for received in receiver.received}
    created = {entry.job_id for entry in entries if entry.event == "created"}
    lost = {entry.job_id for entry in entries if entry.event == "lost"}
    assert 0 < len(lost) < 40
    assert created - arrived == lost


def test_duplicate_has_the_same_bytes(receiver: Receiver) -> None:
    """Both copies of a duplicated callback have the same bytes."""
    _run_jobs(receiver, Faults(duplicated=1), seed=3, jobs=3)
    assert sorted(Counter(received.body for received in receiver.received).values()) == [2, 2, 2]


def test_reordered_callbacks_change_their_order(receiver: Receiver) -> None:
    """Callbacks arrive in another order than their jobs ended."""
    entries = _run_jobs(receiver, Faults(reordered=0.5), seed=3, jobs=30)
    ended = [entry.job_id for entry in entries if entry.event == "completed"]
    arrived = [json.loads(received.body)["id"] for received in receiver.received]
    assert sorted(arrived) == sorted(ended)
    assert arrived != ended


def test_late_callback_arrives_later(receiver: Receiver) -> None:
    """A late callback arrives only after its delay."""
    faults = Faults(late=1, late_seconds=100)
    with simulated(callback_url=receiver.url, faults=faults) as simulator:
        simulator.create(BY_RECORDING)
        simulator.advance(90)
        assert receiver.received == []
        simulator.advance(15)
        assert len(receiver.received) == 1


@given(st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=10)
def test_log_accounts_for_every_job(seed: int, lost: float, duplicated: float) -> None:
    """The log shows each job as lost or delivered, once or twice, for any faults."""
    with serve_receiver() as receiver:
        faults = Faults(lost=lost, duplicated=duplicated, reordered=0.5, late=0.1)
        counts = Counter(entry.event for entry in _run_jobs(receiver, faults, seed=seed, jobs=10))
        assert counts["lost"] + counts["delivered"] - counts["duplicated"] == 10
        assert counts["delivered"] == len(receiver.received)


def _statuses(faults: Faults, count: int) -> list[int]:
    with simulated(faults=faults, seed=5) as simulator, serve(simulator) as served:
        return [_create(served.url, f"key-{number}") for number in range(count)]


def _create(url: str, key: str) -> int:
    return requests.post(
        f"{url}/v3/Transcriptions",
        json=BY_RECORDING,
        headers={"Idempotency-Key": key},
        auth=(ACCOUNT, TOKEN),
        timeout=10,
    ).status_code


def test_some_requests_are_refused() -> None:
    """Some requests get 429 and some 500, the same ones for the same seed."""
    faults = Faults(busy=0.2, broken=0.2)
    statuses = _statuses(faults, 60)
    assert set(statuses) == {202, 429, 500}
    assert statuses == _statuses(faults, 60)


@pytest.mark.parametrize("status", [429, 500])
def test_refusal_has_twilios_form(status: int) -> None:
    """The rule: 429 has `Retry-After` and code 20429; every error is a problem document."""
    faults = Faults(busy=float(status == 429), broken=float(status == 500))
    with simulated(faults=faults) as simulator, serve(simulator) as served:
        answer = requests.get(f"{served.url}/v3/Transcriptions", auth=(ACCOUNT, TOKEN), timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (status, 20000 + status)
    assert answer.headers.get("Retry-After") == ("1" if status == 429 else None)


def test_request_with_500_may_have_created_a_job() -> None:
    """Some requests that get 500 created a job, as at Twilio: only the key can find it."""
    with simulated(faults=Faults(broken=1), seed=5) as simulator, serve(simulator) as served:
        statuses = {_create(served.url, f"key-{number}") for number in range(20)}
        assert statuses == {500}
        assert 0 < len(simulator.job_store.newest_first()) < 20
