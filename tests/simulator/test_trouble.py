"""Trouble on purpose: as much as was asked for, and the same for the same seed."""

import json
from collections import Counter

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.simulator.event_log import LogEntry
from receiver.simulator.faults import Faults
from receiver.simulator.server import serve
from tests.support.simulator.account import ACCOUNT, BY_RECORDING, TOKEN, recording, simulated
from tests.support.simulator.callback_receiver import Receiver, serve_receiver

DOSE = Faults(lost=0.05, duplicated=0.1, reordered=0.2, late=0.02)
ON_PURPOSE = ("lost", "duplicated", "reordered", "late")


def _lived(receiver: Receiver, trouble: Faults, *, seed: int, jobs: int) -> list[LogEntry]:
    with simulated(callback_url=receiver.url, faults=trouble, seed=seed) as simulator:
        for number in range(jobs):
            simulator.create({**BY_RECORDING, "sourceId": recording(number)})
            simulator.advance(0.01)
        simulator.finish()
        return simulator.event_log.entries()


def test_the_dose_is_as_asked_for(receiver: Receiver) -> None:
    """The shares of lost, doubled, overtaken and late callbacks are about those of the dose."""
    counts = Counter(note.event for note in _lived(receiver, DOSE, seed=7, jobs=1000))
    assert counts["created"] == counts["completed"] == 1000
    assert 30 < counts["lost"] < 70
    assert 65 < counts["duplicated"] < 125
    assert 150 < counts["reordered"] < 230
    assert 8 < counts["late"] < 32
    assert counts["delivered"] == 1000 - counts["lost"] + counts["duplicated"]


def test_a_seed_makes_the_same_trouble(receiver: Receiver) -> None:
    """The same jobs meet with the same trouble again."""

    def troubled(seed: int) -> list[tuple[str, str]]:
        notes = _lived(receiver, DOSE, seed=seed, jobs=100)
        return sorted((note.event, note.job_id) for note in notes if note.event in ON_PURPOSE)

    assert troubled(1) == troubled(1)
    assert troubled(1) != troubled(2)


def test_lost_callbacks_are_told_and_not_sent(receiver: Receiver) -> None:
    """The journal names exactly the jobs whose callback never came."""
    notes = _lived(receiver, Faults(lost=0.5), seed=3, jobs=40)
    arrived = {json.loads(received.body)["id"] for received in receiver.received}
    created = {note.job_id for note in notes if note.event == "created"}
    lost = {note.job_id for note in notes if note.event == "lost"}
    assert 0 < len(lost) < 40
    assert created - arrived == lost


def test_duplicates_are_the_same_bytes(receiver: Receiver) -> None:
    """A callback that comes twice is the same twice."""
    _lived(receiver, Faults(duplicated=1), seed=3, jobs=3)
    assert sorted(Counter(received.body for received in receiver.received).values()) == [2, 2, 2]


def test_overtaken_callbacks_come_out_of_order(receiver: Receiver) -> None:
    """Jobs that end one after the other are called back in another order."""
    notes = _lived(receiver, Faults(reordered=0.5), seed=3, jobs=30)
    ended = [note.job_id for note in notes if note.event == "completed"]
    arrived = [json.loads(received.body)["id"] for received in receiver.received]
    assert sorted(arrived) == sorted(ended)
    assert arrived != ended


def test_late_callbacks_wait(receiver: Receiver) -> None:
    """A late callback comes only after its time, and then it comes."""
    trouble = Faults(late=1, late_seconds=100)
    with simulated(callback_url=receiver.url, faults=trouble) as simulator:
        simulator.create(BY_RECORDING)
        simulator.advance(90)
        assert receiver.received == []
        simulator.advance(15)
        assert len(receiver.received) == 1


@given(st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=10)
def test_every_job_is_accounted_for(seed: int, lost: float, duplicated: float) -> None:
    """Whatever the dose, each job is lost or delivered, once or twice, and the journal adds up."""
    with serve_receiver() as receiver:
        dose = Faults(lost=lost, duplicated=duplicated, reordered=0.5, late=0.1)
        counts = Counter(note.event for note in _lived(receiver, dose, seed=seed, jobs=10))
        assert counts["lost"] + counts["delivered"] - counts["duplicated"] == 10
        assert counts["delivered"] == len(receiver.received)


def _statuses(trouble: Faults, asked: int) -> list[int]:
    with simulated(faults=trouble, seed=5) as simulator, serve(simulator) as served:
        return [_create(served.url, f"key-{number}") for number in range(asked)]


def _create(url: str, key: str) -> int:
    return requests.post(
        f"{url}/v3/Transcriptions",
        json=BY_RECORDING,
        headers={"Idempotency-Key": key},
        auth=(ACCOUNT, TOKEN),
        timeout=10,
    ).status_code


def test_requests_are_refused_now_and_then() -> None:
    """Some are answered 429 and some 500, the same ones for the same seed."""
    trouble = Faults(busy=0.2, broken=0.2)
    statuses = _statuses(trouble, 60)
    assert set(statuses) == {202, 429, 500}
    assert statuses == _statuses(trouble, 60)


@pytest.mark.parametrize("status", [429, 500])
def test_refusals_are_twilios(status: int) -> None:
    """The rule: 429 carries `Retry-After` and 20429; every error is a problem document."""
    trouble = Faults(busy=float(status == 429), broken=float(status == 500))
    with simulated(faults=trouble) as simulator, serve(simulator) as served:
        answer = requests.get(f"{served.url}/v3/Transcriptions", auth=(ACCOUNT, TOKEN), timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (status, 20000 + status)
    assert answer.headers.get("Retry-After") == ("1" if status == 429 else None)


def test_what_broke_may_have_been_done() -> None:
    """Of the requests that are answered 500 some made a job: only its key tells the caller."""
    with simulated(faults=Faults(broken=1), seed=5) as simulator, serve(simulator) as served:
        statuses = {_create(served.url, f"key-{number}") for number in range(20)}
        assert statuses == {500}
        assert 0 < len(simulator.job_store.newest_first()) < 20
