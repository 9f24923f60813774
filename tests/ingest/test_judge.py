"""Judging: whatever the body is, it becomes an event that Postgres can keep."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from receiver.ingest.judge import judge
from receiver.store.event import Event
from receiver.store.record import record
from receiver.store.tables import events
from tests.ingest.arrived import arrived

SAMPLES = Path(__file__).parent.parent / "samples"
DOCUMENTS = [json.loads(path.read_bytes()) for path in sorted(SAMPLES.glob("*.json"))]

# Text with NULs, lone surrogates and all that Unicode has; ids and dates that nearly are.
_text = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    [
        *("", "\x00", "\ud800", "completed", "FAILED", "job_1", "a" * 129, "2026-04-02"),
        *("0000-01-01T00:00:00Z", "99999-12-31", "0001-01-01T00:00:00+14:00"),
        "9999-12-31T23:59:59-14:00",
    ]
)
_number = st.integers() | st.integers(-(10**400), 10**400) | st.floats(allow_nan=False)
_json = st.recursive(
    st.none() | st.booleans() | _number | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Draw a sample with some of its members replaced by anything."""
    document = dict(draw(st.sampled_from(DOCUMENTS)))
    inner = document.get("transcription")
    target = document if inner is None else inner
    changes = draw(st.dictionaries(st.sampled_from(sorted(target)), _json, max_size=3))
    if inner is None:
        return document | changes

    return document | {"transcription": inner | changes}


def _judged(body: bytes) -> Event:
    return judge(arrived(body), None)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=(mutated() | _json).map(lambda value: json.dumps(value).encode()) | st.binary())
def test_any_body_is_kept_with_its_exact_bytes(engine: Engine, body: bytes) -> None:
    """It is applied, late or quarantined for a reason that isn't our own fault; nothing raises."""
    event = _judged(body)
    assert event.reason != "internal_error"
    assert (event.head is None) == (event.reason is not None) == (event.detail is not None)
    record(engine, event)
    with engine.connect() as connection:
        statement = select(events.c.body).where(events.c.sha256 == event.sha256)
        assert connection.execute(statement).scalar_one() == body


def test_a_fault_of_ours_quarantines() -> None:
    """An error that nobody foresaw costs no transcript, and its text, which may quote it, goes."""

    class Broken(bytes):
        def decode(self, *_: Any, **__: Any) -> str:
            raise KeyError("a secret sentence")

    event = _judged(Broken(b"{}"))
    assert event.reason == "internal_error"
    assert "secret" not in (event.detail or "")


def test_the_reason_names_every_fault() -> None:
    """The operator reads which members are wrong, and nothing of what they held."""
    event = _judged(b'{"id": "job_1", "accountId": "AC/", "status": "hush hush"}')
    assert (event.job_id, event.account_id, event.reason) == ("job_1", None, "invalid")
    assert "accountId: " in (event.detail or "")
    assert "status: " in (event.detail or "")
    assert "hush" not in (event.detail or "")
