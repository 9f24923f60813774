"""The fold is a function of a set."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.store.event import Event
from tests.support.store_events import deliveries, expected_row, make_event


@given(deliveries(), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(delivered: list[Event], random: object) -> None:
    """Whatever the order and the number of deliveries, the row is the same."""
    shuffled = [*delivered, *delivered]
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis's Random
    assert expected_row(shuffled) == expected_row(delivered)


@given(deliveries(), deliveries())
def test_a_terminal_status_never_goes_back(some: list[Event], more: list[Event]) -> None:
    """A job that is over stays over, whatever else comes in."""
    over = {"COMPLETED", "FAILED"}
    if expected_row(some)["status"] in over:
        assert expected_row(some + more)["status"] in over


@given(deliveries(), deliveries())
def test_a_known_value_is_never_erased(some: list[Event], more: list[Event]) -> None:
    """What was known stays known, though perhaps with another value."""
    before, after = expected_row(some), expected_row(some + more)
    for name, value in before.items():
        if value is not None:
            assert after[name] is not None


@given(deliveries(), deliveries())
def test_an_empty_transcript_never_replaces_a_full_one(
    some: list[Event], more: list[Event]
) -> None:
    """Once there are sentences, there are sentences."""
    if expected_row(some)["sentences"]:
        assert expected_row(some + more)["sentences"]


@given(deliveries())
def test_a_conversations_transcript_is_only_a_makeshift(delivered: list[Event]) -> None:
    """Whatever the times say, it is there only if nothing else brought as good a one."""
    row = expected_row(delivered)
    if row["transcript_source"] == "conversation":
        others = [event for event in delivered if event.source != "conversation"]
        best = max((event.head["sentences"] or 0 for event in others if event.head), default=0)
        assert best == 0
        assert row["sentences"] or all((event.head or {})["sentences"] is None for event in others)


@given(deliveries())
def test_a_job_has_ended_when_the_first_terminal_event_says(delivered: list[Event]) -> None:
    """At the latest when that came; an unfinished job has not."""
    row = expected_row(delivered)
    over = {"COMPLETED", "FAILED"}
    assert (row["ended_at"] is not None) == (row["status"] in over)
    for event in delivered:
        if event.head and event.head["status"] in over:
            assert row["ended_at"] <= event.received_at
            assert row["ended_at"] <= (event.head["updated_at"] or event.received_at)


def test_newer_beats_older_field_by_field() -> None:
    """The newer event's values win, and its nulls leave the older one's."""
    older = make_event(
        {"status": "COMPLETED", "updated_at": None, "duration": 1, "source_id": "RE1"}
    )
    newer = make_event({"status": "COMPLETED", "updated_at": older.received_at, "duration": 2})
    row = expected_row([newer, older])
    assert (row["duration"], row["source_id"]) == (2, "RE1")


def test_received_at_is_of_callbacks_only() -> None:
    """What we fetched ourselves was seen, but nothing was received."""
    row = expected_row([make_event({"status": "RUNNING"}, source="fetch")])
    assert row["received_at"] is None
    assert row["first_seen_at"] is not None
