"""The commands `rejected …`, and callbacks for them, delivered through a proxy."""

from dataclasses import dataclass

from click.testing import Result
from flask import Flask

from receiver.services import services_of
from tests.support import signing
from tests.support.command import run
from tests.support.environment import PUBLIC_URL, ROUTE, TOKEN
from tests.support.faults.callbacks import callback
from tests.support.rejected_store import stored_ids

OLD_TOKEN = "zQ9old" + "0" * 26
SHARED_KEY = "zQ9shared=="
BODY = callback(1, size=0)


@dataclass(frozen=True)
class Case:
    """How Twilio signed and called, how the request arrived, and what `check` prints."""

    expected: str = ""
    called_url: str = PUBLIC_URL + ROUTE
    secret: str = TOKEN
    key_id: str | None = None
    host: str = "internal:8000"
    received_path: str = ROUTE
    headers: tuple[tuple[str, str], ...] = ()
    keys: str = ""
    urls: tuple[str, ...] = ()


def run_rejected(app: Flask, *arguments: str, text: str = "") -> Result:
    """Run a command of the group `rejected`."""
    return run(app, "rejected", *arguments, text=text)


def deliver(app: Flask, case: Case, body: bytes = BODY) -> int:
    """Deliver a callback through the proxy, and return the status of the answer."""
    url, headers = signing.callback(case.called_url, case.secret, body, key_id=case.key_id)
    target = f"{case.received_path}?{url.partition('?')[2]}"
    headers |= {"Host": case.host, **dict(case.headers)}

    return app.test_client().post(target, data=body, headers=headers).status_code


def read_rejected_ids(app: Flask) -> list[int]:
    """Return the ids of the rejected requests."""
    return stored_ids(services_of(app).engine)
