"""The first-deployment trap: wrong settings, a flood, then the right ones, and nothing is lost."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from sqlalchemy import Engine, func, select

from receiver.store.tables import events, rejected
from tests.support import signing
from tests.support.environment import ENVIRON, TOKEN
from tests.support.faults.callbacks import callback, job_id
from tests.support.forged_callbacks import SAMPLE, account_id, forged, request
from tests.support.paths import ROOT
from tests.support.server import CONNECTION_CLOSE, ROUTE, WebServer, free_port, web_server

WRONG = "fedcba9876543210" * 2
# More than a worker keeps of a flood: see the budget of receiver.rejected.store.
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


def _flood(web: WebServer, first: int, count: int) -> set[int]:
    """Send forged requests: under the account of the genuine ones, another's, and ever new ones."""
    with requests.Session() as session:
        statuses = set()
        for number in range(first, first + count):
            claimed = (SAMPLE, account_id(1), account_id(number))[number % 3]
            body = forged(number, account_id=claimed)
            url, headers = request(body, origin=web.url)
            statuses.add(session.post(url, data=body, headers=headers, timeout=15).status_code)

        return statuses


def test_ten_callbacks_survive_the_wrong_token_and_a_flood(
    migrated: str, engine: Engine, tmp_path: Path, *, is_thorough: bool
) -> None:
    """Refused under a wrong token, they are there under the right one, whatever came in between."""
    flood = LARGE_FLOOD if is_thorough else FLOOD
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    bodies = [callback(number) for number in range(10)]
    with web_server(migrated, tmp_path / "log", PORT=str(port), TWILIO_AUTH_TOKEN=WRONG) as web:
        assert [web.call(body).status_code for body in bodies] == [403] * 10
        with ThreadPoolExecutor(4) as pool:
            parts = [pool.submit(_flood, web, n * flood, flood // 4) for n in range(4)]
            url, headers = signing.callback(f"{origin}{ROUTE}", WRONG, callback(10))
            signed = requests.post(
                url, data=callback(10), headers=headers | CONNECTION_CLOSE, timeout=15
            )
            assert signed.status_code == 204
            assert set.union(*(part.result() for part in parts)) == {403}
    checked = _command(migrated, "rejected", "check", PUBLIC_URL=origin)
    assert "10  verify now, with auth-token-1" in checked.stdout, checked
    accepted = _command(migrated, "rejected", "accept", PUBLIC_URL=origin)
    assert "10  accepted" in accepted.stderr, accepted
    assert accepted.returncode == 0
    with web_server(migrated, tmp_path / "log", PORT=str(port)) as web:
        for number in range(10):
            job = web.get(f"/v3/Transcriptions/{job_id(number)}").json()
            assert job["transcription"]["transcript"]["available"]
    with engine.connect() as connection:
        kept = set(connection.execute(select(events.c.body)).scalars())
        left = connection.execute(select(func.count()).select_from(rejected)).scalar_one()
    assert kept == {*bodies, callback(10)}
    assert 0 < left < flood
    assert TOKEN not in checked.stdout + checked.stderr + accepted.stdout + accepted.stderr
