"""What was received for a job: the list, and the exact bytes."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from receiver.store.event import Outcome
from receiver.store.tables import events
from schemas.listing import OUTCOMES
from tests.support.callback_events import NOON
from tests.support.stored_callbacks import callback, json_of, record_callback

URL = "/v3/Transcriptions/job/Callbacks"
RUNNING, COMPLETED, UNREADABLE = (callback("job", status=s) for s in ("running", "completed", "?"))


def _get(reader: FlaskClient, path: str = URL) -> dict[str, Any]:
    response = reader.get(path)
    assert response.status_code == 200

    return json_of(response)


def test_every_distinct_body_is_listed(reader: FlaskClient, engine: Engine) -> None:
    """Newest first, with what became of it, how often it came, its digest and its length."""
    for minute, body in enumerate([COMPLETED, RUNNING, UNREADABLE, COMPLETED]):
        record_callback(engine, body, at=NOON + timedelta(minutes=minute))
    listed = _get(reader)
    assert listed["meta"] == {"key": "callbacks", "pageSize": 50}
    assert [(c["outcome"], c["reason"], c["deliveries"]) for c in listed["callbacks"]] == [
        ("quarantined", "invalid", 1),
        ("stale", None, 1),
        ("applied", None, 2),
    ]
    last = listed["callbacks"][2]
    assert last["receivedAt"] == "2026-04-02T12:00:00Z"
    assert last["sha256"] == hashlib.sha256(COMPLETED).hexdigest()
    assert last["bytes"] == len(COMPLETED)
    assert last.keys() == {
        *("id", "receivedAt", "outcome", "reason", "deliveries", "sha256", "bytes")
    }


def test_the_answers_know_every_outcome() -> None:
    """What the schema of the list allows is what can become of an event."""
    assert set(OUTCOMES) == set(Outcome)


def test_other_jobs_and_other_sources_are_not_listed(reader: FlaskClient, engine: Engine) -> None:
    """The list holds this job's callbacks, not what we fetched about it."""
    record_callback(engine, RUNNING)
    record_callback(engine, COMPLETED)
    record_callback(engine, callback("other"))
    digest = hashlib.sha256(RUNNING).digest()
    with engine.connect() as connection:
        connection.execute(update(events).where(events.c.sha256 == digest).values(source="fetch"))
    assert [c["bytes"] for c in _get(reader)["callbacks"]] == [len(COMPLETED)]


def test_a_quarantined_callback_is_listed_without_a_job(
    reader: FlaskClient, engine: Engine
) -> None:
    """What names the job is found under it, even if nothing else is known of the job."""
    record_callback(engine, UNREADABLE)
    assert [c["outcome"] for c in _get(reader)["callbacks"]] == ["quarantined"]
    assert reader.get("/v3/Transcriptions/job").status_code == 404


def test_an_unknown_job_has_no_list(reader: FlaskClient) -> None:
    """Where neither the job nor a callback is known the answer is 404."""
    assert reader.get(URL).status_code == 404


def test_pages_turn_both_ways(reader: FlaskClient, engine: Engine) -> None:
    """Callbacks that came at one time are told apart by their id; each is on one page."""
    for number in range(5):
        record_callback(
            engine, callback("job", duration=number), at=NOON + timedelta(minutes=number // 3)
        )
    ids = [c["id"] for c in _get(reader)["callbacks"]]
    assert len(ids) == 5
    pages = [_get(reader, f"{URL}?pageSize=2")]
    for _ in range(2):
        token = pages[-1]["meta"]["nextToken"]
        pages.append(_get(reader, f"{URL}?pageToken={token}"))
    assert "nextToken" not in pages[2]["meta"]
    assert [[c["id"] for c in page["callbacks"]] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    back = _get(reader, f"{URL}?pageToken={pages[2]['meta']['previousToken']}")
    assert back["callbacks"] == pages[1]["callbacks"]
    first = _get(reader, f"{URL}?pageToken={back['meta']['previousToken']}")
    assert first["callbacks"] == pages[0]["callbacks"]
    assert "previousToken" not in first["meta"]


def test_a_token_belongs_to_its_list(reader: FlaskClient, engine: Engine) -> None:
    """Neither another job's list nor the list of jobs takes it, nor this one theirs."""
    for job in ("job", "other"):
        for number in range(2):
            record_callback(engine, callback(job, duration=number))
    token = _get(reader, f"{URL}?pageSize=1")["meta"]["nextToken"]
    jobs_token = _get(reader, "/v3/Transcriptions?pageSize=1")["meta"]["nextToken"]
    for path in (
        f"/v3/Transcriptions/other/Callbacks?pageToken={token}",
        f"/v3/Transcriptions?pageToken={token}",
        f"{URL}?pageToken={jobs_token}",
    ):
        assert reader.get(path).status_code == 400


def test_the_body_is_byte_for_byte(reader: FlaskClient, engine: Engine) -> None:
    """Whatever a callback holds goes out as it came, to be kept and not to be shown."""
    body = b'\xef\xbb\xbf  {"id": "job",\r\n "accountId": "\\ud800", "<script>": "\\u0000"}\n'
    record_callback(engine, body[3:])
    [listed] = _get(reader)["callbacks"]
    response = reader.get(f"{URL}/{listed['id']}/Body")
    assert response.data == body[3:]
    assert response.content_type == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    disposition = f'attachment; filename="job-{listed["id"]}"'
    assert response.headers["Content-Disposition"] == disposition
    assert response.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "number",
    ["0", "-1", "01x", "x", "1.0", "%31%00", "9223372036854775808", "9" * 20, "9" * 5000, "%D9%A1"],
)
def test_no_number_breaks_anything(reader: FlaskClient, engine: Engine, number: str) -> None:
    """What is no callback's id is a 404 problem, however large it is."""
    record_callback(engine, RUNNING)
    response = reader.get(f"{URL}/{number}/Body")
    assert (response.status_code, response.content_type) == (404, "application/problem+json")


def test_a_body_belongs_to_its_job(reader: FlaskClient, engine: Engine) -> None:
    """Under another job's address it isn't found."""
    record_callback(engine, RUNNING)
    record_callback(engine, callback("other"))
    [listed] = _get(reader)["callbacks"]
    path = f"/v3/Transcriptions/other/Callbacks/{listed['id']}/Body"
    assert reader.get(path).status_code == 404


def test_an_erased_body_is_gone(reader: FlaskClient, engine: Engine) -> None:
    """It stays in the list, and its bytes are a 404."""
    record_callback(engine, RUNNING)
    with engine.connect() as connection:
        connection.execute(update(events).values(body=None))
    [listed] = _get(reader)["callbacks"]
    assert reader.get(f"{URL}/{listed['id']}/Body").status_code == 404
