"""Tests of `erase verify`."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert

from receiver.services import install, services_of
from receiver.spool.folder import CALLBACK_SUFFIX, Spool
from receiver.store.tables import events, submissions
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.erasing import ADDRESS, body, rows_of
from tests.support.samples import COMPLETED, JOB
from tests.support.spooled import SEAL, spool_callbacks


def _places(app: Flask, value: str) -> list[str]:
    done = run(app, "erase", "verify", value)
    assert done.exit_code == (1 if done.stdout and "nowhere" not in done.stdout else 0)

    return [line.split()[0] for line in done.stdout.splitlines() if "nowhere" not in line]


def test_value_is_found_until_it_is_erased(app: Flask, twilio: Twilio) -> None:
    """An address, an id and a phrase are found where they are, and nowhere after the erasure."""
    twilio.call(body(conversationId="conv_17"))
    assert _places(app, ADDRESS) == ["transcriptions.participants", "events.head", "events.body"]
    assert _places(app, "+1 (555) 123-4567") == _places(app, ADDRESS)
    assert "transcriptions.conversation_id" in _places(app, "conv_17")
    phrase = json.loads(COMPLETED)["sentences"][0]["text"]
    assert _places(app, phrase) == ["events.body"]
    run(app, "erase", "job", JOB, "--yes")
    for value in (ADDRESS, "conv_17", phrase, JOB):
        assert _places(app, value) == []


def test_progress_does_not_look_like_a_finding(app: Flask, twilio: Twilio) -> None:
    """Without a terminal, each place that is searched is printed as such, on stderr."""
    twilio.call(COMPLETED)
    done = run(app, "erase", "verify", "said by nobody")
    assert done.stdout == "found nowhere.\n"
    lines = done.stderr.splitlines()
    assert "Searching transcriptions" in lines
    assert [line for line in lines if not line.startswith("Searching ")] == []


@pytest.mark.parametrize("text", ['He said "né"', "a/b \\ c", "Ünïcödé 😀"])
def test_escaped_text_is_found(app: Flask, twilio: Twilio, text: str) -> None:
    """A phrase is found however JSON escapes it."""
    ascii_body = body(id="a", sentences=[{"text": text}])
    upper = re.sub(rb"(?<=\\u)[0-9a-f]{4}", lambda digits: digits[0].upper(), ascii_body)
    plain = json.dumps(
        {**json.loads(COMPLETED), "id": "b", "sentences": [{"text": text}]}, ensure_ascii=False
    )
    for each in (ascii_body, upper, plain.encode()):
        twilio.call(each)
    assert _places(app, text) == ["events.body"] * (3 if upper != ascii_body else 2)


def test_number_within_a_longer_one_is_not_found(app: Flask, twilio: Twilio) -> None:
    """A phone number isn't found within a longer one, and erasing it doesn't touch that one."""
    twilio.call(b'{"unusable": "+155512345678"}')
    assert _places(app, ADDRESS) == []
    run(app, "erase", "address", ADDRESS, "--yes")
    assert [row.body is not None for row in rows_of(app, events)] == [True]


@pytest.mark.parametrize("written", ["(555) 123-4567", "0555 1234567", "5551234567"])
def test_number_without_its_country_code_is_found(app: Flask, twilio: Twilio, written: str) -> None:
    """A number as a caller writes it is found in those that end in it, so nothing is overlooked."""
    twilio.call(COMPLETED)
    twilio.call(body(id="other", participants=[{"address": "+155512345678"}]))
    assert _places(app, written) == ["transcriptions.participants", "events.head", "events.body"]
    assert "country code" in run(app, "erase", "verify", written).stderr


def test_all_files_of_the_spool_are_searched(app: Flask, tmp_path: Path) -> None:
    """A value is found in waiting, damaged and refused files."""
    spool = Spool(tmp_path / "spool", durable=True, seal=SEAL)
    spool_callbacks(spool, COMPLETED)
    [name] = spool.list_all()
    damaged = spool.path / f"{'0' * 64}{CALLBACK_SUFFIX}"
    damaged.write_bytes((spool.path / name).read_bytes()[:-1])
    damaged.chmod(0o600)
    install(app, replace(services_of(app), spool=spool))
    done = run(app, "erase", "verify", ADDRESS)
    assert done.exit_code == 1
    assert {line.split()[1] for line in done.stdout.splitlines()} == {name, damaged.name}


def test_key_of_a_submission(app: Flask) -> None:
    """A client's own key that contains the address is found, not shown, and erased."""
    with services_of(app).engine.connect() as connection:
        connection.execute(
            insert(submissions).values(
                idempotency_key=f"call {ADDRESS} of Jane",
                request="{}",
                submitted_by="writer",
                created_at="2026-01-01",
                asked_at="2026-01-01",
            )
        )
    done = run(app, "erase", "verify", ADDRESS)
    assert done.exit_code == 1
    assert "submissions.idempotency_key" in done.stdout
    assert "Jane" not in done.output
    assert run(app, "erase", "address", ADDRESS, "--yes").exit_code == 0
    assert _places(app, ADDRESS) == []
    [row] = rows_of(app, submissions)
    assert row.idempotency_key.startswith("erased-")


def test_progress_without_a_terminal(app: Flask, twilio: Twilio) -> None:
    """The names of the places that are searched don't look like findings."""
    twilio.call(COMPLETED)
    verified = run(app, "erase", "verify", "nobody")
    assert verified.stdout == "found nowhere.\n"
    assert verified.stderr == "Searching transcriptions\nSearching events\n"
    erased = run(app, "erase", "address", ADDRESS, "--yes")
    assert "\nErasing jobs\n" in erased.stderr


def test_short_value(app: Flask) -> None:
    """A value that is in nearly every row isn't searched."""
    done = run(app, "erase", "verify", "a")
    assert done.exit_code == 1
    assert "at least 3" in done.stderr
