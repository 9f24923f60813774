"""The list of jobs: its filters, pages and tokens."""

import base64

import pytest
import requests

from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.simulator import Simulator
from tests.simulator.conftest import Http
from tests.support.samples import ACCOUNT
from tests.support.simulator.account import API_KEY, BY_RECORDING, BY_URL, recording, simulated

LIST = "/v3/Transcriptions"
WRONG_CREDENTIALS = base64.b64encode(f"{ACCOUNT}:wröng".encode()).decode()


def _ids(answer: requests.Response) -> list[str]:
    return [job["id"] for job in answer.json()["transcriptions"]]


def test_list_has_twilios_shape(http: Http, job_ids: list[str]) -> None:
    """The rule: `meta` names the key of the rows, and has no token if there is one page."""
    answer = http.get(LIST)
    assert _ids(answer) == job_ids
    assert answer.json()["meta"] == {"key": "transcriptions", "pageSize": 7}


def test_tokens_lead_in_both_directions(http: Http, job_ids: list[str]) -> None:
    """The rule: `nextToken` and `previousToken` lead on and back without other parameters."""
    first = http.get(LIST, pageSize="3")
    second = http.get(LIST, pageToken=first.json()["meta"]["nextToken"])
    third = http.get(LIST, PageToken=second.json()["meta"]["nextToken"])
    back = http.get(LIST, pageToken=third.json()["meta"]["previousToken"])
    assert (_ids(first), _ids(second), _ids(third)) == (job_ids[:3], job_ids[3:6], job_ids[6:])
    assert _ids(back) == _ids(second)
    assert "previousToken" not in first.json()["meta"]
    assert "nextToken" not in third.json()["meta"]


def test_token_contains_the_filters(http: Http, job_ids: list[str]) -> None:
    """A token leads to a page of the same filtered list."""
    after = {"createdAfter": "2026-04-02T19:26:20Z", "pageSize": "4"}
    first = http.get(LIST, **after)
    second = http.get(LIST, pageToken=first.json()["meta"]["nextToken"])
    assert _ids(first) + _ids(second) == job_ids[:6]


def test_new_job_moves_no_page(http: Http, simulator: Simulator, job_ids: list[str]) -> None:
    """A new job makes no later page repeat or skip another job."""
    first = http.get(LIST, pageSize="3")
    simulator.create(BY_RECORDING)
    second = http.get(LIST, pageToken=first.json()["meta"]["nextToken"])
    assert _ids(second) == job_ids[3:6]


def test_page_size_has_default_and_limit(http: Http, simulator: Simulator) -> None:
    """The rule: `pageSize` is 50 by default and 100 at most; `meta` has the actual size."""
    for number in range(120):
        simulator.create({**BY_RECORDING, "sourceId": recording(number)})
    for query, count in (({}, 50), ({"pageSize": "120"}, 100), ({"PageSize": "7"}, 7)):
        answer = http.get(LIST, **query)
        assert len(_ids(answer)) == answer.json()["meta"]["pageSize"] == count


def test_created_after_is_inclusive_and_created_before_exclusive(
    http: Http, job_ids: list[str]
) -> None:
    """The rule: `createdAfter` is inclusive, `createdBefore` is exclusive."""
    fourth = "2026-04-02T19:28:20Z"
    assert _ids(http.get(LIST, createdAfter=fourth)) == job_ids[:4]
    assert _ids(http.get(LIST, createdBefore=fourth)) == job_ids[4:]
    assert _ids(http.get(LIST, createdAfter="2026-04-02T21:28:20+02:00")) == job_ids[:4]


def test_list_is_filtered_by_status(http: Http, simulator: Simulator, job_ids: list[str]) -> None:
    """The rule: the list contains only jobs with this status."""
    failed = simulator.create({**BY_URL, "mediaUrl": "https://example.com/404.wav"})
    simulator.finish()
    pending = simulator.create(BY_RECORDING)
    assert _ids(http.get(LIST, status="COMPLETED")) == job_ids
    assert _ids(http.get(LIST, status="FAILED")) == [failed.id]
    assert _ids(http.get(LIST, status="PENDING")) == [pending.id]
    assert _ids(http.get(LIST, status="RUNNING")) == []


def test_list_is_filtered_by_source_and_language(
    http: Http, simulator: Simulator, job_ids: list[str]
) -> None:
    """The rule: `sourceId` and `languageCode` match exactly, the language case-sensitively."""
    configuration = simulator.configurations.find(CALLBACK_ONLY)
    assert configuration
    german = {**configuration["configuration"], "language": "de-DE"}
    made = simulator.configurations.create({"configuration": german}, simulator.clock.now())
    job = simulator.create({**BY_RECORDING, "transcriptionConfigurationId": made["id"]})
    assert _ids(http.get(LIST, sourceId=recording(2))) == [job_ids[4]]
    assert _ids(http.get(LIST, languageCode="de-DE")) == [job.id]
    assert _ids(http.get(LIST, languageCode="en-US")) == job_ids
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
def test_invalid_parameter_is_refused(http: Http, name: str, value: str) -> None:
    """The rule: an invalid value is rejected with a 400 that names the parameter."""
    answer = http.get(LIST, **{name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/{name}"]


def test_wrong_credentials_are_refused(http: Http) -> None:
    """The credentials are the account's SID and token or an API key; others get 401 with 20003."""
    http.session.auth = None
    assert http.session.get(f"{http.url}{LIST}", auth=API_KEY, timeout=10).status_code == 200
    for header in (None, "Basic", "Basic !", "Bearer secret", f"Basic {WRONG_CREDENTIALS}"):
        headers = {"Authorization": header} if header else {}
        answer = http.session.get(f"{http.url}{LIST}", headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_oldest_jobs_are_removed() -> None:
    """Above its maximum, the simulator removes the oldest jobs, their keys and conversations."""
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
