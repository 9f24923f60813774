"""Complete requests: without a key, with a wrong one, with a reader's, with a writer's."""

import itertools
import json
import time
import uuid

from receiver.console.session import COOKIE, SESSION_SECONDS, make_session
from receiver.settings.keys import ApiKey
from tests.support.console import CONSOLE_KEY
from tests.support.environment import KEY
from tests.support.faults.attackers.authorization import basic
from tests.support.faults.attackers.clients import Clients, head
from tests.support.faults.callbacks import USUAL_BYTES
from tests.support.forged_callbacks import forged, forged_head
from tests.support.samples import CONFIGURATION
from tests.support.submitting import WRITER

CLOSE = "Connection: close"


def keyless(clients: Clients, *, path: str) -> None:
    """Request the path without a key."""
    request = head("GET", path, CLOSE)
    clients.run(lambda _: clients.exchange(request))


def wrong_keys(clients: Clients, *, path: str) -> None:
    """Request the path with another wrong key each time."""
    numbers = itertools.count()
    clients.run(
        lambda _: clients.exchange(head("GET", path, basic("reader", str(next(numbers))), CLOSE))
    )


def reads(clients: Clients, *, path: str) -> None:
    """Request the path with the reader's key."""
    request = head("GET", path, basic(*KEY), CLOSE)
    clients.run(lambda _: clients.exchange(request))


def console_pages(clients: Clients, *, path: str) -> None:
    """Request a page of the console, with a session."""
    key = ApiKey(*CONSOLE_KEY, scopes=frozenset({"console"}))
    session = make_session(key, int(time.time()) + SESSION_SECONDS)
    request = head("GET", path, f"Cookie: {COOKIE}={session}", CLOSE)
    clients.run(lambda _: clients.exchange(request))


def unchanged_reads(clients: Clients, *, path: str) -> None:
    """Request the path with the reader's key, as a client that has its current content."""
    request = head("GET", path, basic(*KEY), "If-None-Match: *", CLOSE)
    clients.run(lambda _: clients.exchange(request))


def forged_callbacks(clients: Clients) -> None:
    """Send callbacks with wrong signatures; no two are the same."""
    bodies = itertools.count()

    def send(_number: int) -> str:
        body = forged(next(bodies), size=USUAL_BYTES)
        return clients.exchange(forged_head(body, host="127.0.0.1") + body)

    clients.run(send)


def submissions(clients: Clients) -> None:
    """Submit jobs with the writer's key."""

    def submit(_number: int) -> str:
        body = json.dumps(
            {
                "transcriptionConfigurationId": CONFIGURATION,
                "sourceId": f"RE{uuid.uuid4().hex}",
            }
        ).encode()
        lines = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        return clients.exchange(
            head("POST", "/v3/Transcriptions", basic(*WRITER), CLOSE, *lines) + body
        )

    clients.run(submit)
