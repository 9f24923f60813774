"""Fixtures: a simulator whose time stands still, served on loopback, and its clients."""

from collections.abc import Iterator

import pytest
import requests
from twilio.rest import Client

from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator
from tests.support.recipe import ReceiverHttpClient
from tests.support.simulator.account import ACCOUNT, TOKEN, simulated
from tests.support.simulator.callback_receiver import Receiver, serve_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Yield what callbacks are delivered to."""
    with serve_receiver() as receiver:
        yield receiver


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Yield a simulator that nobody listens to."""
    with simulated() as simulator:
        yield simulator


@pytest.fixture
def url(simulator: Simulator) -> Iterator[str]:
    """Yield the origin under which the simulator is served."""
    with serve(simulator) as served:
        yield served.url


@pytest.fixture
def http(url: str) -> Iterator["Http"]:
    """Yield a plain HTTP client with the account's credentials."""
    with requests.Session() as session:
        session.trust_env = False
        session.auth = (ACCOUNT, TOKEN)
        yield Http(session, url)


class Http:
    """Calls the simulator by paths."""

    def __init__(self, session: requests.Session, url: str) -> None:
        self.session = session
        self.url = url

    def get(self, path: str, **query: str) -> requests.Response:
        """Get what is there."""
        return self.session.get(f"{self.url}{path}", params=query, timeout=10)

    def create(self, document: object, *, key: str | None = None) -> requests.Response:
        """Ask for a transcription."""
        headers = {"Idempotency-Key": key} if key else {}

        return self.session.post(
            f"{self.url}/v3/Transcriptions", json=document, headers=headers, timeout=10
        )


@pytest.fixture
def sdk(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Yield Twilio's SDK, whose hosts are all replaced by the simulator."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    http_client = ReceiverHttpClient(url)
    yield Client(ACCOUNT, TOKEN, http_client=http_client)
    http_client.session.close()
