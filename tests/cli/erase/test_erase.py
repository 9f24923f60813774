"""Tests of `erase job`, `erase address` and `erase conversation`."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, text

from receiver.cli.erase.elsewhere import elsewhere
from receiver.services import install, services_of
from receiver.spool.folder import Spool
from receiver.store.erasure.vacuum import VACUUM
from receiver.store.tables import erasures
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.erasing import ADDRESS, SPOKEN, bodies, body, is_stored, rows_of
from tests.support.samples import COMPLETED, JOB
from tests.support.spooled import SEAL, spool_callbacks


def _number(output: str) -> str:
    match = re.search(r"receipt is number ([0-9]+)", output)
    assert match, output

    return match[1]


def test_job_is_erased_with_a_receipt(app: Flask, twilio: Twilio) -> None:
    """`erase job` prints what it found and what remains elsewhere, and `show` has its receipt."""
    twilio.call(COMPLETED)
    done = run(app, "erase", "job", JOB, "--yes", "--reason", "case 17")
    assert done.exit_code == 0, done.output
    assert "1  jobs to erase" in done.stderr
    assert "1  bodies" in done.stdout
    assert all(line in done.stdout for line in elsewhere("job"))
    assert not is_stored(app, SPOKEN)
    shown = run(app, "erase", "show", _number(done.stdout), "--json")
    receipt = json.loads(shown.stdout)
    assert receipt["counts"] == {"jobs": 1, "events": 1, "bodies": 1}
    assert receipt["reason"] == "case 17"
    assert receipt["requestedBy"].startswith("user:")
    assert receipt["completedAt"]
    assert receipt["vacuumed"] == dict.fromkeys(
        ("events", "rejected", "submissions", "transcript_index", "transcriptions")
    )


def test_without_confirmation_nothing_is_erased(app: Flask, twilio: Twilio) -> None:
    """Without a terminal and without --yes, the command refuses before it changes anything."""
    twilio.call(COMPLETED)
    done = run(app, "erase", "job", JOB)
    assert done.exit_code == 1
    assert "--yes" in done.stderr
    assert bodies(app) == [COMPLETED]
    assert rows_of(app, erasures) == []


def test_unreadable_callback_that_names_the_job(app: Flask, twilio: Twilio) -> None:
    """A quarantined body that names the job only in its text is erased with it, another isn't."""
    twilio.call(COMPLETED)
    stays = b'["another_job", cut'
    for unreadable in (f'["{JOB}", cut'.encode(), stays):
        assert twilio.call(unreadable).status_code == 204
    done = run(app, "erase", "job", JOB, "--yes")
    assert done.exit_code == 0, done.output
    assert bodies(app) == [stays]


@pytest.mark.parametrize("name", ["nobody", "not an id"])
def test_unknown_job(app: Flask, name: str) -> None:
    """An unknown job is an error with its reason, and leaves no receipt."""
    done = run(app, "erase", "job", name, "--yes")
    assert done.exit_code == 1
    assert "job" in done.stderr
    assert rows_of(app, erasures) == []


def test_address_without_jobs_leaves_a_receipt(app: Flask, twilio: Twilio) -> None:
    """An address that nothing has is erased all the same: jobs in progress may have it."""
    done = run(app, "erase", "address", ADDRESS, "--yes")
    assert done.exit_code == 0, done.output
    assert "when their callbacks arrive" in done.stderr
    assert "Erased" not in done.stdout
    assert "Nothing was found of this address. Its jobs that began before now" in done.stdout
    assert "Nothing was found." in run(app, "erase", "show", _number(done.stdout)).stdout
    twilio.call(body(createdAt="2026-01-01T00:00:00Z"))
    assert not is_stored(app, SPOKEN)
    assert not is_stored(app, ADDRESS)


def test_unknown_conversation_is_erased_when_it_arrives(
    app: Flask, twilio: Twilio, tmp_path: Path
) -> None:
    """An id that may be mistyped doesn't look like a success, but keeps its tombstone."""
    install(app, replace(services_of(app), spool=Spool(tmp_path / "s", durable=True, seal=SEAL)))
    done = run(app, "erase", "conversation", "conv_17", "--yes")
    assert done.exit_code == 0, done.output
    assert "Erased" not in done.stdout
    assert "Nothing was found of this conversation. Its jobs that began" in done.stdout
    twilio.call(body(conversationId="conv_17", createdAt="2026-01-01T00:00:00Z"))
    assert not is_stored(app, SPOKEN)


@pytest.mark.parametrize("name", ["", "conv 17", "conv_17\n", "https://example.com/conv_17"])
def test_malformed_conversation_is_refused(app: Flask, name: str) -> None:
    """No job can have such a conversation, so it is a mistake, and leaves no receipt."""
    done = run(app, "erase", "conversation", name, "--yes")
    assert done.exit_code == 1
    assert "not a valid id of a conversation" in done.stderr
    assert rows_of(app, erasures) == []


def test_erased_job_has_nothing_more_to_erase(app: Flask, twilio: Twilio) -> None:
    """A repeated erasure of a job says that it found nothing more."""
    twilio.call(COMPLETED)
    assert "\nErased. " in run(app, "erase", "job", JOB, "--yes").stdout
    again = run(app, "erase", "job", JOB, "--yes")
    assert again.exit_code == 0, again.output
    assert "Erased" not in again.stdout
    assert "Nothing more was found to erase." in again.stdout


@pytest.mark.parametrize(
    "written", [ADDRESS, "+1 (555) 123-4567", "+1 (0) 555 1234567", "tel:001.555.1234567"]
)
def test_address_as_people_write_it(app: Flask, twilio: Twilio, written: str) -> None:
    """A phone number with its country code may be written as people do."""
    twilio.call(COMPLETED)
    done = run(app, "erase", "address", written, "--yes")
    assert done.exit_code == 0, done.output
    assert not is_stored(app, SPOKEN)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("555 123-4567", "These digits are the end of 1 stored address, of 1 job:"),
        ("(0555) 1234567", "These digits are the end of 1 stored address, of 1 job:"),
        ("555 999-9999", "No stored address ends in these digits"),
        ("reception", "E.164"),
    ],
)
def test_address_that_is_not_e164(app: Flask, twilio: Twilio, written: str, expected: str) -> None:
    """Another form of a number is refused with counts of similar ones, never with the numbers."""
    twilio.call(COMPLETED)
    done = run(app, "erase", "address", written, "--yes")
    assert done.exit_code == 1
    assert expected in done.stderr
    assert "E.164" in done.stderr
    assert ADDRESS not in done.output
    assert bodies(app) == [COMPLETED]


def test_stored_address_of_another_form(app: Flask, twilio: Twilio) -> None:
    """An address that isn't a phone number can be erased exactly as it is stored."""
    participants = [{"name": SPOKEN, "address": "client:jane"}, {"name": "B", "address": "sip:b"}]
    twilio.call(body(participants=participants))
    assert run(app, "erase", "address", "client:jan", "--yes").exit_code == 1
    done = run(app, "erase", "address", "client:jane", "--yes")
    assert done.exit_code == 0, done.output
    assert not is_stored(app, "client:jane")


def test_conversation(app: Flask, twilio: Twilio) -> None:
    """`erase conversation` erases the conversation's jobs, and no others."""
    twilio.call(body(id="a", conversationId="conv_1"))
    twilio.call(body(id="b", conversationId="conv_2"))
    done = run(app, "erase", "conversation", "conv_1", "--yes")
    assert done.exit_code == 0, done.output
    assert "1  jobs" in done.stdout
    assert [json.loads(each)["id"] for each in bodies(app)] == ["b"]


@pytest.mark.parametrize("name", ["transcription-receiver", "transcription-receiver/0008"])
def test_earlier_release_is_waited_for(app: Flask, twilio: Twilio, name: str) -> None:
    """While a process of an earlier release is connected, nothing is erased."""
    twilio.call(COMPLETED)
    url = services_of(app).engine.url.update_query_dict({"application_name": name})
    engine: Engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        done = run(app, "erase", "job", JOB, "--yes")
        assert done.exit_code == 1
        assert "earlier release" in done.stderr
        assert bodies(app) == [COMPLETED]
    engine.dispose()
    assert run(app, "erase", "job", JOB, "--yes").exit_code == 0


def test_ids_at_twilio_are_printed(app: Flask, twilio: Twilio) -> None:
    """The recordings and conversations, which stay at Twilio, are printed before they are lost."""
    recording = "RE" + "7" * 32
    twilio.call(body(sourceId=recording, conversationId="conv_17"))
    lines = run(app, "erase", "job", JOB, "--yes").stdout.splitlines()
    assert {recording, "conv_17"} < set(lines)


def test_file_elsewhere_is_printed_without_its_secrets(app: Flask, twilio: Twilio) -> None:
    """The file of a media URL is printed, because the URL is erased; its secrets aren't."""
    twilio.call(
        body(sourceId=None, mediaUrl="https://me:secret@media.example.com/a.wav?key=secret")
    )
    done = run(app, "erase", "job", JOB, "--yes")
    assert "https://media.example.com/a.wav" in done.stdout.splitlines()
    assert "secret" not in done.output


def test_period_of_the_jobs_is_shown(app: Flask, twilio: Twilio) -> None:
    """Before the confirmation, the preview says when the first and the last job began."""
    twilio.call(body(id="a", createdAt="2026-01-05T10:00:00Z"))
    twilio.call(body(id="b", createdAt="2026-02-06T10:00:00Z"))
    done = run(app, "erase", "address", ADDRESS)
    assert "2  jobs to erase, from 2026-01-05 to 2026-02-06" in done.stderr
    assert "1  jobs to erase, of 2026-01-05\n" in run(app, "erase", "job", "a").stderr


def test_spool_of_this_machine(app: Flask, tmp_path: Path) -> None:
    """Waiting callbacks of the address are removed from the spool, and others stay."""
    spool = Spool(tmp_path / "spool", durable=True, seal=SEAL)
    stays = body(id="other", participants=[{"name": "B", "address": "+15550000000"}])
    spool_callbacks(spool, COMPLETED, b"['+15551234567'", b'["+155512345678"]', stays)
    install(app, replace(services_of(app), spool=spool))
    done = run(app, "erase", "address", ADDRESS, "--yes")
    assert done.exit_code == 0, done.output
    assert "2  spool files" in done.stdout
    assert len(spool.list_files()) == 2


@pytest.mark.parametrize("target", [("job", JOB), ("address", ADDRESS), ("conversation", "c")])
def test_held(app: Flask, twilio: Twilio, target: tuple[str, str]) -> None:
    """What is on hold is refused with the hold's name, even if only one of the jobs is held."""
    twilio.call(body(conversationId="c"))
    twilio.call(body(id="other", conversationId="c"))
    run(app, "hold", "add", "case-7", "--job", JOB, "--reason", "court")
    done = run(app, "erase", *target, "--yes")
    assert done.exit_code == 1
    assert "case-7" in done.stderr
    assert not done.stdout  # such as recordings, which somebody would delete at Twilio
    assert len(bodies(app)) == 2
    assert rows_of(app, erasures) == []


def test_list_is_newest_first(app: Flask, twilio: Twilio) -> None:
    """`erase list` has one line for each erasure, and with --json an object."""
    twilio.call(COMPLETED)
    run(app, "erase", "job", JOB, "--yes")
    run(app, "erase", "address", ADDRESS, "--yes", "--reason", "case 17")
    lines = run(app, "erase", "list").stdout.splitlines()
    assert [line.split()[3] for line in lines] == ["address", "job"]
    assert lines[0].endswith("  case 17")
    documents = [
        json.loads(line) for line in run(app, "erase", "list", "--json").stdout.split("\n")[:-1]
    ]
    assert [each["kind"] for each in documents] == ["address", "job"]
    assert ADDRESS not in json.dumps(documents)


def test_receipt_says_since_when_dead_rows_are_vacuumed(app: Flask, twilio: Twilio) -> None:
    """A VACUUM after the erasure is in the receipt; before it, the command to run."""
    twilio.call(COMPLETED)
    number = _number(run(app, "erase", "job", JOB, "--yes").stdout)
    before = run(app, "erase", "show", number).stdout
    assert "- events: not yet" in before
    assert f"Run `{VACUUM}`" in before
    with services_of(app).engine.connect() as connection:
        connection.execute(text(VACUUM))
    after = run(app, "erase", "show", number).stdout
    assert "not yet" not in after
    assert "- events: 20" in after


def test_unknown_receipt(app: Flask) -> None:
    """A number that no receipt has is an error."""
    assert run(app, "erase", "show", "1").exit_code == 1
