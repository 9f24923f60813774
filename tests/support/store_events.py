"""Events for the store's tests, explicit and random, and the row that they must result in."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from receiver.store.event import Event
from receiver.store.jobs.fold import FoldInput, fold
from receiver.store.tables import events, transcriptions
from tests.support.samples import ACCOUNT

START = datetime(2026, 4, 2, 19, 25, 20, tzinfo=UTC)

_moments = st.integers(0, 3).map(lambda minutes: START + timedelta(minutes=minutes))
_languages = ({"language": "en-US"}, {"language": "de-DE", "new": [1, None, 1.5]})

# Small sets of values make ties, repetitions and nulls frequent.
_heads = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["PENDING", "RUNNING", "COMPLETED", "FAILED"]),
        "source_id": st.sampled_from([None, "RE1", "RE2"]),
        "media_url": st.sampled_from([None, "https://example.com/a.wav"]),
        "conversation_id": st.sampled_from([None, "conv_1"]),
        "duration": st.sampled_from([None, 0, 22]),
        "audio_started_at": st.none() | _moments,
        "participants": st.sampled_from([None, [], [{"name": "Jane", "audioChannelIndex": 1}]]),
        "resolved_configuration": st.sampled_from([None, *_languages]),
        "created_at": st.none() | _moments,
        "updated_at": st.none() | _moments,
        "additional": st.sampled_from([None, {"error": {"code": 17558}}, {"new": [1, 1.5]}]),
        "sentences": st.sampled_from([None, 0, 2, 5]),
    }
)


def make_event(
    head: dict[str, Any],
    *,
    source: str = "callback",
    minutes: float = 0,
    job: str = "job",
    account: str = ACCOUNT,
) -> Event:
    """Return an event that was received `minutes` after the start."""
    head = {"id": job, "account_id": account, "additional": None, **head}
    body = repr((source, sorted(head.items()))).encode()

    return Event(
        sha256=hashlib.sha256(body).digest(),
        source=source,
        body=body,
        received_at=START + timedelta(minutes=minutes),
        job_id=job,
        account_id=account,
        head=head,
    )


def quarantined(event: Event) -> Event:
    """Return the event as a validation that failed."""
    return replace(event, head=None, reason="invalid", detail="For the test.")


@st.composite
def deliveries(draw: st.DrawFn) -> list[Event]:
    """Draw the events of one job: distinct ones, some of them repeated, shuffled."""
    distinct = draw(
        st.lists(
            st.builds(
                make_event,
                _heads,
                source=st.sampled_from(
                    ["callback", "callback", "fetch", "submission", "conversation"]
                ),
            ),
            min_size=1,
            max_size=6,
        )
    )
    repeated = draw(st.lists(st.sampled_from(distinct), max_size=4))
    shuffled = draw(st.permutations(distinct + repeated))

    return [
        replace(event, received_at=START + timedelta(minutes=draw(st.integers(0, 99))))
        for event in shuffled
    ]


def expected_row(delivered: Iterable[Event]) -> dict[str, Any]:
    """Return the fold of the delivered events, each body once, as of its first arrival."""
    first: dict[bytes, Event] = {}
    for event in sorted(delivered, key=lambda event: event.received_at):
        first.setdefault(event.sha256, event)

    return fold(
        FoldInput(event.sha256, event.source, event.received_at, event.head or {})
        for event in first.values()
    )


def stored_row(engine: Engine, job: str = "job") -> dict[str, Any]:
    """Return the job's row, with the columns of a fold."""
    with engine.connect() as connection:
        row = connection.execute(select(transcriptions).where(transcriptions.c.id == job)).one()

    return {name: row._mapping[name] for name in expected_row([make_event({"status": "PENDING"})])}  # noqa: SLF001 - SQLAlchemy's documented accessor


def ledger_rows(engine: Engine) -> list[tuple[str, str | None, int]]:
    """Return outcome, reason and deliveries of all events, in the order of their first arrival."""
    statement = select(events.c.outcome, events.c.reason, events.c.deliveries)
    with engine.connect() as connection:
        rows = connection.execute(statement.order_by(events.c.received_at, events.c.id)).all()

    return [(row.outcome, row.reason, row.deliveries) for row in rows]


def count_deliveries(engine: Engine) -> tuple[int, int]:
    """Return the number of events and the number of deliveries."""
    with engine.connect() as connection:
        row = connection.execute(select(func.count(), func.sum(events.c.deliveries))).one()

    return row[0], row[1] or 0
