"""Tests that the fold of a job's events depends only on which events there are."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.store.event import Event
from tests.support.store_events import deliveries, expected_row, make_event


@given(deliveries(), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_change_the_row(delivered: list[Event], random: object) -> None:
    """The row is the same for every order and number of deliveries."""
    shuffled = [*delivered, *delivered]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # it is hypothesis's Random
    assert expected_row(shuffled) == expected_row(delivered)


@given(deliveries(), deliveries())
def test_terminal_status_stays_terminal(
    before_events: list[Event], later_events: list[Event]
) -> None:
    """A job that has ended stays ended, in any order of further events."""
    terminal = {"COMPLETED", "FAILED"}
    if expected_row(before_events)["status"] in terminal:
        assert expected_row(before_events + later_events)["status"] in terminal


@given(deliveries(), deliveries())
def test_known_value_is_never_erased(before_events: list[Event], later_events: list[Event]) -> None:
    """A value that is known is never replaced by null."""
    before, after = expected_row(before_events), expected_row(before_events + later_events)
    for name, value in before.items():
        if value is not None:
            assert after[name] is not None


@given(deliveries(), deliveries())
def test_empty_transcript_never_replaces_a_full_one(
    before_events: list[Event], later_events: list[Event]
) -> None:
    """A transcript without sentences never replaces one with sentences."""
    if expected_row(before_events)["sentences"]:
        assert expected_row(before_events + later_events)["sentences"]


@given(deliveries())
def test_conversation_transcript_has_the_lowest_rank(delivered: list[Event]) -> None:
    """A conversation's transcript is used only if no other source has one that is as good."""
    row = expected_row(delivered)
    if row["transcript_source"] == "conversation":
        others = [event for event in delivered if event.source != "conversation"]
        best = max((event.head["sentences"] or 0 for event in others if event.head), default=0)
        assert best == 0
        assert row["sentences"] or all((event.head or {})["sentences"] is None for event in others)


@given(deliveries())
def test_end_is_at_most_that_of_any_terminal_event(delivered: list[Event]) -> None:
    """A job ended no later than any terminal event says or arrived; others have no end."""
    row = expected_row(delivered)
    terminal = {"COMPLETED", "FAILED"}
    assert (row["ended_at"] is not None) == (row["status"] in terminal)
    for event in delivered:
        if event.head and event.head["status"] in terminal:
            assert row["ended_at"] <= event.received_at
            assert row["ended_at"] <= (event.head["updated_at"] or event.received_at)


def test_newer_event_wins_field_by_field() -> None:
    """The newer event's values win, and its nulls keep the older event's values."""
    older = make_event(
        {"status": "COMPLETED", "updated_at": None, "duration": 1, "source_id": "RE1"}
    )
    newer = make_event({"status": "COMPLETED", "updated_at": older.received_at, "duration": 2})
    row = expected_row([newer, older])
    assert (row["duration"], row["source_id"]) == (2, "RE1")


def test_only_callbacks_set_received_at() -> None:
    """A fetched event sets first_seen_at, but not received_at."""
    row = expected_row([make_event({"status": "RUNNING"}, source="fetch")])
    assert row["received_at"] is None
    assert row["first_seen_at"] is not None
