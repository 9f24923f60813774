"""Tests of what a drain takes: only what the service has written, or what Twilio has signed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from receiver.callbacks.drain import Drain
from receiver.services import make_spool
from receiver.settings.config import load
from receiver.spool.folder import Spool
from receiver.store.event import Event
from tests.support import signing
from tests.support.callback_events import received_event
from tests.support.environment import ENVIRON, PUBLIC_URL, ROUTE, TOKEN
from tests.support.server import (
    web_server,
)
from tests.support.spool_events import unsealed_file
from tests.support.spooled import spooled_body
from tests.support.store_events import count_deliveries, ledger_rows
from tests.support.waiting import wait_until

NEW_TOKEN = "fedcba9876543210" * 2
PASSWORD = {"DATABASE_URL": "postgresql://user:pass%20word@127.0.0.1:1/nothing"}
NEW_PASSWORD = {"DATABASE_URL": "postgresql://user:other@127.0.0.1:1/nothing"}


def _spool(folder: Path, **settings: str) -> Spool:
    """Return the spool of a service with these settings."""
    spool = make_spool(load({**ENVIRON, "SPOOL_DIR": str(folder), **settings}))
    assert spool

    return spool


def _signed(number: int, *, url: str = PUBLIC_URL + ROUTE, secret: str = TOKEN) -> Event:
    body = spooled_body(number)
    called, headers = signing.callback(url, secret, body)

    return replace(received_event(body), url=called, signature=headers["X-Twilio-Signature"])


def _plant(folder: Path, event: Event) -> Path:
    """Write a file as somebody else would, or an earlier release."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{event.sha256.hex()}.callback"
    path.write_bytes(unsealed_file(event))
    path.chmod(0o600)

    return path


def _drain(engine: Engine, spool: Spool) -> list[bool]:
    drain = Drain(engine, spool, load(ENVIRON).signing_keys)

    return [result.moved for result in drain.run(drain.waiting())]


@pytest.mark.parametrize(
    "event",
    [
        received_event(spooled_body(1)),
        replace(_signed(1), signature="Zm9yZ2Vk"),
        replace(_signed(1), body=spooled_body(2)),
        replace(_signed(1), sha256=bytes(32)),
        replace(_signed(1), source="fetch"),
        _signed(1, secret=NEW_TOKEN),
        _signed(1, url=f"https://other.example.com{ROUTE}"),
        _signed(1, url=f"{PUBLIC_URL}.evil.example{ROUTE}"),
        _signed(1, url=f"{PUBLIC_URL}/other{ROUTE}"),
    ],
    ids=["unsigned", "forged", "body", "digest", "source", "token", "host", "suffix", "prefix"],
)
def test_planted_file_is_refused(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture, event: Event
) -> None:
    """A file without a seal is refused, logged once and kept, unless its signature verifies."""
    path = _plant(tmp_path / "spool", event)
    spool = _spool(tmp_path / "spool")
    before = path.read_bytes()
    drain = Drain(engine, spool, load(ENVIRON).signing_keys)
    [result] = drain.run(drain.waiting())
    assert result.error
    assert "is not sealed with a current key" in result.error
    assert drain.waiting() == []
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert ledger_rows(engine) == []
    assert path.read_bytes() == before


def test_signed_file_of_an_earlier_release_is_moved(engine: Engine, tmp_path: Path) -> None:
    """A file that an earlier release left is moved if its own signature verifies."""
    _plant(tmp_path / "spool", _signed(1))
    _plant(tmp_path / "spool", _signed(2, url=f"{PUBLIC_URL}/voice{ROUTE}"))
    spool = _spool(tmp_path / "spool", PUBLIC_URL_PREFIXES="/voice")
    assert _drain(engine, spool) == [True, True]
    assert ledger_rows(engine) == [("applied", None, 1)] * 2
    assert spool.list_files() == []


@pytest.mark.parametrize(
    ("before", "after", "is_moved"),
    [
        ({}, {"TWILIO_AUTH_TOKEN": f"{TOKEN},{NEW_TOKEN}"}, True),
        ({"TWILIO_AUTH_TOKEN": f"{TOKEN},{NEW_TOKEN}"}, {"TWILIO_AUTH_TOKEN": NEW_TOKEN}, True),
        (PASSWORD, PASSWORD | {"TWILIO_AUTH_TOKEN": NEW_TOKEN}, True),
        (PASSWORD, NEW_PASSWORD, True),
        (PASSWORD, NEW_PASSWORD | {"TWILIO_AUTH_TOKEN": NEW_TOKEN}, False),
        ({}, {"TWILIO_AUTH_TOKEN": NEW_TOKEN}, False),
    ],
    ids=["added", "removed", "token", "password", "both", "token, without a password"],
)
def test_file_survives_a_rotation(
    engine: Engine,
    tmp_path: Path,
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    is_moved: bool,
) -> None:
    """A spooled callback is moved after a rotation, unless all secrets changed at once.

    Then it is refused and kept, and moved once an old key is among the current ones.
    """
    _spool(tmp_path / "spool", **before).put(_signed(1))
    spool = _spool(tmp_path / "spool", **after)
    assert _drain(engine, spool) == [is_moved]
    if not is_moved:
        assert ledger_rows(engine) == []
        restored = f"{TOKEN},{NEW_TOKEN}"
        spool = _spool(tmp_path / "spool", **{**after, "TWILIO_AUTH_TOKEN": restored})
        assert _drain(engine, spool) == [True]
    assert ledger_rows(engine) == [("applied", None, 1)]


def test_seal_covers_what_a_forged_signature_does_not(engine: Engine, tmp_path: Path) -> None:
    """A sealed file is moved although its signature doesn't verify any more."""
    spool = _spool(tmp_path / "spool")
    spool.put(replace(_signed(1), signature="b2xk"))
    assert _drain(engine, spool) == [True]
    assert ledger_rows(engine) == [("applied", None, 1)]


def test_unsafe_folder_turns_the_spool_off(engine: Engine, migrated: str, tmp_path: Path) -> None:
    """The web process logs an unsafe folder at its start and takes nothing from it.

    It stores callbacks in the database as usual, and drains once the folder is private.
    """
    folder = tmp_path / "spool"
    planted = _plant(folder, received_event(spooled_body(1)))
    _spool(folder).put(_signed(2))
    folder.chmod(0o777)
    with web_server(migrated, tmp_path / "log", SPOOL_DIR=str(folder)) as web:
        wait_until(lambda: "the spool can't be used" in web.log.read_text())
        assert f"{folder} has mode 0777" in web.log.read_text()
        assert web.call(spooled_body(3)).status_code == 204
        assert len(list(folder.iterdir())) == 2
        folder.chmod(0o700)
        wait_until(lambda: "a spooled callback stays" in web.log.read_text())
        wait_until(lambda: list(folder.iterdir()) == [planted])
    assert count_deliveries(engine) == (2, 2)
