"""Fuzz tests: any signed body is stored byte for byte, and the read API never fails because of it.

For more examples: `pytest tests/callbacks/test_fuzz.py --hypothesis-profile=long`.
"""

import hashlib
import json
from collections import Counter
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from receiver.services import services_of
from receiver.store.jobs.refold import head_from_json
from receiver.store.jsonb import encode_json
from receiver.store.tables import events
from schemas.storable import is_storable
from tests.support.app import Reader, Twilio
from tests.support.bodies import bodies
from tests.support.callback_events import validated_event
from tests.support.command import run

EXAMPLE_COUNT = settings().max_examples  # of the profile
CONTENT_TYPES = (
    *("application/json", "application/json", "application/json; charset=utf-16"),
    *("application/vnd.new+json", "text/plain", "application/x-www-form-urlencoded"),
)
REASONS = {"undecodable", "invalid", "unexpected_content_type", "foreign_account"}


@settings(max_examples=3 * EXAMPLE_COUNT)
@given(bodies())
def test_any_body_is_validated(body: bytes) -> None:
    """Any body has either a head that Postgres can store, or a reason that is not our own error."""
    event = validated_event(body)
    assert (event.head is None) == (event.reason is not None)
    assert event.head is not None or event.detail is not None
    assert event.reason in REASONS | {None}
    assert is_storable(event.detail or "")
    assert len(event.detail or "") < 2000
    if event.head is not None:
        encoded = encode_json(event.head).decode()
        assert is_storable(encoded)
        assert "\\u0000" not in encoded.replace("\\\\", "")
        assert head_from_json(json.loads(encoded)) == event.head


def _rows(app: Flask, bodies_: list[bytes]) -> dict[bytes, Any]:
    digests = [hashlib.sha256(body).digest() for body in bodies_]
    with services_of(app).engine.connect() as connection:
        rows = connection.execute(select(events).where(events.c.sha256.in_(digests))).all()

    return {row.body: row for row in rows}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    callbacks=st.lists(st.tuples(bodies(), st.sampled_from(CONTENT_TYPES)), min_size=1, max_size=3)
)
def test_any_signed_body_is_stored_and_readable(
    app: Flask, twilio: Twilio, read: Reader, callbacks: list[tuple[bytes, str]]
) -> None:
    """Any signed body is applied, stale or quarantined, and no read is answered 5xx."""
    before = {body: row.deliveries for body, row in _rows(app, [b for b, _ in callbacks]).items()}
    for body, content_type in callbacks:
        assert twilio.call(body, content_type=content_type).status_code == 204
    rows = _rows(app, [body for body, _ in callbacks])
    for body, count in Counter(body for body, _ in callbacks).items():
        row = rows[body]
        assert row.deliveries == before.get(body, 0) + count
        assert (row.outcome, row.reason) in {("applied", None), ("stale", None)} | {
            ("quarantined", reason) for reason in REASONS
        }
        assert _stored_body(app, read, row) == body
        if row.job_id is not None:
            _check_reads(read, row.job_id)
    assert read("/v3/Transcriptions").status_code == 200


def _stored_body(app: Flask, read: Reader, row: Any) -> bytes:
    body: bytes
    if row.job_id is None:
        body = run(app, "callbacks", "body", str(row.id)).stdout_bytes
    else:
        body = read(f"/v3/Transcriptions/{row.job_id}/Callbacks/{row.id}/Body").data

    return body


def _check_reads(read: Reader, job_id: str) -> None:
    paths = ["", "/Callbacks"]
    paths += [f"/Transcript?format={name}" for name in ("json", "text", "vtt", "srt")]
    for path in paths:
        assert read(f"/v3/Transcriptions/{job_id}{path}").status_code in {200, 404}
