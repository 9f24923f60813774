"""Fixtures: a simulator with a manual clock, served on loopback, and its clients."""

from collections.abc import Iterator

import pytest
import requests
from twilio.rest import Client

from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator
from tests.support.environment import TOKEN
from tests.support.recipe import ReceiverHttpClient
from tests.support.samples import ACCOUNT
from tests.support.simulator.account import BY_RECORDING, recording, simulated
from tests.support.simulator.callback_receiver import Receiver, serve_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Yield the server that receives the callbacks."""
    with serve_receiver() as receiver:
        yield receiver


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Yield a simulator that is not served."""
    with simulated() as simulator:
        yield simulator


@pytest.fixture
def url(simulator: Simulator) -> Iterator[str]:
    """Yield the origin at which the simulator is served."""
    with serve(simulator) as served:
        yield served.url


@pytest.fixture
def http(url: str) -> Iterator["Http"]:
    """Yield an HTTP client with the account's credentials."""
    with requests.Session() as session:
        session.trust_env = False
        session.auth = (ACCOUNT, TOKEN)
        yield Http(session, url)


class Http:
    """Requests paths of the simulator."""

    def __init__(self, session: requests.Session, url: str) -> None:
        self.session = session
        self.url = url

    def get(self, path: str, **query: str) -> requests.Response:
        """Send a GET request with query parameters."""
        return self.session.get(f"{self.url}{path}", params=query, timeout=10)

    def create(self, document: object, *, key: str | None = None) -> requests.Response:
        """Send a create request."""
        headers = {"Idempotency-Key": key} if key else {}

        return self.session.post(
            f"{self.url}/v3/Transcriptions", json=document, headers=headers, timeout=10
        )


def assert_problem(answer: requests.Response, code: int, pointer: str | None) -> None:
    """Assert that the response is the problem document of that code."""
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, answer.status_code), problem
    assert problem["type"] == f"https://www.twilio.com/docs/api/errors/{code}"
    assert len(problem["title"]) >= 16
    assert len(problem["detail"]) >= 16
    assert [error["pointer"] for error in problem.get("errors", [])][:1] == (
        [pointer] if pointer else []
    )


@pytest.fixture
def job_ids(simulator: Simulator) -> list[str]:
    """Create seven jobs, one a minute, and return their ids, newest first."""
    ids: list[str] = []
    for number in range(7):
        job = simulator.create({**BY_RECORDING, "sourceId": recording(number)})
        ids.insert(0, job.id)
        simulator.advance(60)

    return ids


@pytest.fixture
def sdk(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Yield a client of Twilio's SDK that sends every request to the simulator."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    http_client = ReceiverHttpClient(url)
    yield Client(ACCOUNT, TOKEN, http_client=http_client)
    http_client.session.close()
