"""The list of jobs: its filters, pages and tokens."""

import base64

import pytest
import requests

from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.simulator import Simulator
from tests.simulator.conftest import Http
from tests.support.simulator.account import (
    ACCOUNT,
    API_KEY,
    BY_RECORDING,
    BY_URL,
    recording,
    simulated,
)

LIST = "/v3/Transcriptions"
WRONG = base64.b64encode(f"{ACCOUNT}:wröng".encode()).decode()


@pytest.fixture
def seven(simulator: Simulator) -> list[str]:
    """Create seven jobs, one a minute, and return their ids, newest first."""
    ids: list[str] = []
    for number in range(7):
        job = simulator.create({**BY_RECORDING, "sourceId": recording(number)})
        ids.insert(0, job.id)
        simulator.advance(60)

    return ids


def _ids(answer: requests.Response) -> list[str]:
    return [job["id"] for job in answer.json()["transcriptions"]]


def test_a_list_has_twilios_shape(http: Http, seven: list[str]) -> None:
    """The rule: the rows under the key that `meta` names, and no token where nothing follows."""
    answer = http.get(LIST)
    assert _ids(answer) == seven
    assert answer.json()["meta"] == {"key": "transcriptions", "pageSize": 7}


def test_tokens_lead_both_ways(http: Http, seven: list[str]) -> None:
    """The rule: `nextToken` and `previousToken` lead on and back, with nothing beside them."""
    first = http.get(LIST, pageSize="3")
    second = http.get(LIST, pageToken=first.json()["meta"]["nextToken"])
    third = http.get(LIST, PageToken=second.json()["meta"]["nextToken"])
    back = http.get(LIST, pageToken=third.json()["meta"]["previousToken"])
    assert (_ids(first), _ids(second), _ids(third)) == (seven[:3], seven[3:6], seven[6:])
    assert _ids(back) == _ids(second)
    assert "previousToken" not in first.json()["meta"]
    assert "nextToken" not in third.json()["meta"]


def test_a_token_carries_the_filters(http: Http, seven: list[str]) -> None:
    """A page that a token leads to is of the same list as the page that gave it."""
    after = {"createdAfter": "2026-04-02T19:26:20Z", "pageSize": "4"}
    first = http.get(LIST, **after)
    second = http.get(LIST, pageToken=first.json()["meta"]["nextToken"])
    assert _ids(first) + _ids(second) == seven[:6]


def test_new_jobs_move_no_page(http: Http, simulator: Simulator, seven: list[str]) -> None:
    """A job that is created meanwhile makes no page repeat or skip another."""
    first = http.get(LIST, pageSize="3")
    simulator.create(BY_RECORDING)
    second = http.get(LIST, pageToken=first.json()["meta"]["nextToken"])
    assert _ids(second) == seven[3:6]


def test_a_page_has_fifty_jobs_and_a_hundred_at_most(http: Http, simulator: Simulator) -> None:
    """The rule: `pageSize` is 50 by default and capped at 100; `meta` tells the actual number."""
    for number in range(120):
        simulator.create({**BY_RECORDING, "sourceId": recording(number)})
    for query, count in (({}, 50), ({"pageSize": "120"}, 100), ({"PageSize": "7"}, 7)):
        answer = http.get(LIST, **query)
        assert len(_ids(answer)) == answer.json()["meta"]["pageSize"] == count


def test_created_after_is_inclusive_and_created_before_exclusive(
    http: Http, seven: list[str]
) -> None:
    """The rule: `createdAfter` is inclusive, `createdBefore` is exclusive."""
    fourth = "2026-04-02T19:28:20Z"
    assert _ids(http.get(LIST, createdAfter=fourth)) == seven[:4]
    assert _ids(http.get(LIST, createdBefore=fourth)) == seven[4:]
    assert _ids(http.get(LIST, createdAfter="2026-04-02T21:28:20+02:00")) == seven[:4]


def test_status_filters(http: Http, simulator: Simulator, seven: list[str]) -> None:
    """The rule: only transcriptions in this status."""
    failed = simulator.create({**BY_URL, "mediaUrl": "https://example.com/404.wav"})
    simulator.finish()
    pending = simulator.create(BY_RECORDING)
    assert _ids(http.get(LIST, status="COMPLETED")) == seven
    assert _ids(http.get(LIST, status="FAILED")) == [failed.id]
    assert _ids(http.get(LIST, status="PENDING")) == [pending.id]
    assert _ids(http.get(LIST, status="RUNNING")) == []


def test_source_and_language_filter(http: Http, simulator: Simulator, seven: list[str]) -> None:
    """The rule: `sourceId` and `languageCode` match exactly, the language case-sensitively."""
    configuration = simulator.configurations.find(CALLBACK_ONLY)
    assert configuration
    german = {**configuration["configuration"], "language": "de-DE"}
    made = simulator.configurations.create({"configuration": german}, simulator.clock.now())
    job = simulator.create({**BY_RECORDING, "transcriptionConfigurationId": made["id"]})
    assert _ids(http.get(LIST, sourceId=recording(2))) == [seven[4]]
    assert _ids(http.get(LIST, languageCode="de-DE")) == [job.id]
    assert _ids(http.get(LIST, languageCode="en-US")) == seven
    assert _ids(http.get(LIST, languageCode="de-de")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "completed"),
        ("sourceId", "REE3A2B046E52271B586425C61D84CA90E"),
        ("sourceId", ""),
        ("createdAfter", "yesterday"),
        ("createdBefore", "2026-02-30T00:00:00Z"),
        ("pageSize", "0"),
        ("pageSize", "-1"),
        ("pageSize", "many"),
        ("pageToken", "e30"),
        ("pageToken", "W10"),
        ("pageToken", "%"),
        ("pageToken", "eyJmaWx0ZXJzIjoge30sICJzaXplIjogMTAwMDAwfQ"),
        ("pageToken", "eyJmaWx0ZXJzIjogeyJzdGF0dXMiOiA1fSwgInNpemUiOiA1fQ"),
        ("pageToken", "eyJmaWx0ZXJzIjogW10sICJzaXplIjogNX0"),
        ("pageToken", "eyJmaWx0ZXJzIjogeyJjcmVhdGVkQWZ0ZXIiOiAieWVzdGVyZGF5In0sICJzaXplIjogNX0"),
    ],
)
def test_what_is_no_filter_is_refused(http: Http, name: str, value: str) -> None:
    """The rule: anything else is rejected with a 400, which names the parameter."""
    answer = http.get(LIST, **{name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/{name}"]


def test_credentials_are_the_accounts(http: Http) -> None:
    """The account's SID with its token, or an API key with its secret; else 401 with 20003."""
    http.session.auth = None
    assert http.session.get(f"{http.url}{LIST}", auth=API_KEY, timeout=10).status_code == 200
    for header in (None, "Basic", "Basic !", "Bearer secret", f"Basic {WRONG}"):
        headers = {"Authorization": header} if header else {}
        answer = http.session.get(f"{http.url}{LIST}", headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_the_oldest_are_forgotten() -> None:
    """Of more jobs than it keeps the oldest are gone, with their keys and conversations."""
    with simulated(max_job_count=2) as simulator:
        first = simulator.create(BY_RECORDING, idempotency_key="one")
        simulator.create(BY_RECORDING)
        third = simulator.create(BY_RECORDING, idempotency_key="three")
        simulator.finish()
        assert first.conversation_id
        assert third.conversation_id
        now = simulator.clock.now()
        assert simulator.job_store.get(first.id) is None
        assert simulator.job_store.get_by_conversation(first.conversation_id, now) is None
        assert simulator.job_store.get_by_conversation(third.conversation_id, now) is third
        assert simulator.create(BY_URL, idempotency_key="one").id != first.id
