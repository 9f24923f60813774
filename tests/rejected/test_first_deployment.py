"""Tests a first deployment with wrong settings: after a flood, no signed callback is lost."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from sqlalchemy import Engine, func, select

from receiver.store.rejected.dropped import dropped_counts
from receiver.store.tables import events, rejected
from tests.support import signing
from tests.support.environment import ENVIRON, ROUTE, TOKEN
from tests.support.faults.callbacks import callback, job_id
from tests.support.forged_callbacks import forged, make_account_id, request
from tests.support.paths import ROOT
from tests.support.samples import ACCOUNT
from tests.support.server import CONNECTION_CLOSE, WebServer, free_port, web_server

WRONG_TOKEN = "fedcba9876543210" * 2
# More than a worker stores of a flood: see the limits in receiver.rejected.store.
FLOOD, LARGE_FLOOD = 600, 2000


def _command(database: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environ = {**ENVIRON, "DATABASE_URL": database, "PATH": os.environ["PATH"], **settings}

    return subprocess.run(
        [Path(sys.executable).with_name("flask"), "--app", "app", *arguments],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _send_flood(web: WebServer, first: int, count: int) -> set[int]:
    """Send forged requests of the genuine account, of one other, and of new ones."""
    with requests.Session() as session:
        statuses = set()
        for number in range(first, first + count):
            account = (ACCOUNT, make_account_id(1), make_account_id(number))[number % 3]
            body = forged(number, account_id=account)
            url, headers = request(body, origin=web.url)
            statuses.add(session.post(url, data=body, headers=headers, timeout=15).status_code)

        return statuses


def test_callbacks_survive_a_wrong_token_and_a_flood(
    migrated: str, engine: Engine, tmp_path: Path, *, is_thorough: bool
) -> None:
    """Callbacks that a wrong token rejected are accepted with the right one, despite a flood."""
    flood = LARGE_FLOOD if is_thorough else FLOOD
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    bodies = [callback(number) for number in range(10)]
    with web_server(
        migrated, tmp_path / "log", PORT=str(port), TWILIO_AUTH_TOKEN=WRONG_TOKEN
    ) as web:
        assert [web.call(body).status_code for body in bodies] == [403] * 10
        with ThreadPoolExecutor(4) as pool:
            floods = [pool.submit(_send_flood, web, n * flood, flood // 4) for n in range(4)]
            url, headers = signing.callback(f"{origin}{ROUTE}", WRONG_TOKEN, callback(10))
            signed = requests.post(
                url, data=callback(10), headers=headers | CONNECTION_CLOSE, timeout=15
            )
            assert signed.status_code == 204
            assert set.union(*(flood_sent.result() for flood_sent in floods)) == {403}
    checked = _command(migrated, "rejected", "check", PUBLIC_URL=origin)
    assert checked.stdout.startswith("10 requests ("), checked
    assert "): verified now, with auth-token-1: run" in checked.stdout, checked
    accepted = _command(migrated, "rejected", "accept", PUBLIC_URL=origin)
    assert "10  accepted" in accepted.stderr, accepted
    assert accepted.returncode == 0
    with web_server(migrated, tmp_path / "log", PORT=str(port)) as web:
        for number in range(10):
            job = web.get(f"/v3/Transcriptions/{job_id(number)}").json()
            assert job["transcription"]["transcript"]["available"]
    with engine.connect() as connection:
        bodies_in_ledger = set(connection.execute(select(events.c.body)).scalars())
        stored = connection.execute(select(func.count()).select_from(rejected)).scalar_one()
        dropped = sum(row.requests for row in dropped_counts(connection))
    assert bodies_in_ledger == {*bodies, callback(10)}
    # How much is stored depends on the worker's time, see test_budget.py. All of it is counted.
    assert stored > 0
    assert stored + dropped == flood
    assert TOKEN not in checked.stdout + checked.stderr + accepted.stdout + accepted.stderr
