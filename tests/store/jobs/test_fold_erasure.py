"""Tests that an erasure absorbs in the fold, wherever it stands among a job's events."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from receiver.store.event import Event
from receiver.store.jobs.fold import (
    ERASURE,
    KEPT_MEMBERS,
    PERSONAL_COLUMNS,
    FoldInput,
    fold,
    redact,
)
from tests.support.store_events import START, deliveries, expected_row

_ERASED_AT = START + timedelta(minutes=50)
_ERASURE = FoldInput(b"erasure", ERASURE, _ERASED_AT, {"id": "job"})
# Which events the redaction has reached: an interrupted one only some of them.
_redacted = st.sets(st.integers(0, 9))


def _inputs(delivered: Iterable[Event], redacted: Iterable[int] = ()) -> list[FoldInput]:
    """Return each body once, as of its first arrival; those with these numbers are redacted."""
    first: dict[bytes, Event] = {}
    for event in sorted(delivered, key=lambda event: event.received_at):
        first.setdefault(event.sha256, event)

    return [
        FoldInput(
            event.sha256,
            event.source,
            event.received_at,
            redact(event.head or {}) if number in redacted else event.head or {},
        )
        for number, event in enumerate(first.values())
    ]


def _shuffled(inputs: list[FoldInput], random: Random) -> list[FoldInput]:
    return random.sample(inputs, len(inputs))


@given(deliveries(), _redacted, st.randoms(use_true_random=False))
def test_redaction_does_not_change_the_fold_of_an_erased_job(
    delivered: list[Event], redacted: set[int], random: Random
) -> None:
    """An erased job is the same from whole, redacted and partly redacted events, in any order."""
    whole = fold([*_inputs(delivered), _ERASURE])
    assert fold(_shuffled([*_inputs(delivered, redacted), _ERASURE], random)) == whole
    assert fold(_shuffled([*_inputs(delivered, range(99)), _ERASURE], random)) == whole


@given(deliveries(), deliveries(), st.randoms(use_true_random=False))
def test_events_before_and_after_an_erasure_are_absorbed(
    before: list[Event], after: list[Event], random: Random
) -> None:
    """Events that arrive before, during and after an erasure change nothing personal."""
    inputs = [*_inputs(before + after), _ERASURE]
    row = fold(_shuffled(inputs, random))
    assert [row[name] for name in PERSONAL_COLUMNS] == [None] * len(PERSONAL_COLUMNS)
    assert row["erased_at"] == _ERASED_AT


@given(deliveries())
def test_erasure_keeps_what_is_not_personal(delivered: list[Event]) -> None:
    """All columns but the personal ones are those of the job without the erasure."""
    expected = expected_row(delivered) | dict.fromkeys(PERSONAL_COLUMNS)
    assert fold([*_inputs(delivered), _ERASURE]) == expected | {"erased_at": _ERASED_AT}


@given(deliveries(), st.integers(1, 99))
def test_repeated_erasure_keeps_the_first_time(delivered: list[Event], minutes: int) -> None:
    """A second erasure of the same job changes nothing."""
    later = FoldInput(b"later", ERASURE, _ERASED_AT + timedelta(minutes=minutes), {"id": "job"})
    once = fold([*_inputs(delivered), _ERASURE])
    assert fold([later, *_inputs(delivered), _ERASURE]) == once


@given(
    st.dictionaries(
        st.sampled_from([*KEPT_MEMBERS, *PERSONAL_COLUMNS, "a member to come"]),
        st.none() | st.text() | st.dictionaries(st.text(), st.integers()) | st.just(START),
    )
)
def test_redaction_is_idempotent(head: dict[str, Any]) -> None:
    """A redacted head stays as it is, and has known members only."""
    once = redact(head)
    assert redact(once) == once
    assert once == {name: value for name, value in head.items() if name in KEPT_MEMBERS}
    assert _encoded(redact(json.loads(_encoded(head)))) == _encoded(once)


def _encoded(head: dict[str, Any]) -> str:
    return json.dumps(head, sort_keys=True, default=datetime.isoformat)
