"""Tests of the snapshots."""

from receiver.store.changes.snapshot import MAX_IN_PROGRESS, Snapshot
from receiver.store.changes.state import State


def test_snapshot_of_postgres_is_parsed() -> None:
    """The text of a `pg_snapshot` has the end and what is in progress."""
    assert Snapshot.parse("10:20:10,14") == Snapshot(20, (10, 14))
    assert Snapshot.parse("20:20:") == Snapshot(20)


def test_snapshot_ends_with_the_newest_writer() -> None:
    """Numbers above that of the newest job may be given again after a crash."""
    state = State(history="h", snapshot=Snapshot(90, (10, 70)), newest=50)
    assert state.since(Snapshot(0)) == Snapshot(51, (10,))
    assert state.since(Snapshot(80)) == Snapshot(80, (10, 70))


def test_too_many_transactions_make_an_older_snapshot() -> None:
    """A snapshot has a limited size, and none of its transactions is taken for visible."""
    in_progress = tuple(range(100, 100 + 2 * MAX_IN_PROGRESS))
    limited = Snapshot(1_000, in_progress).before(900)
    assert limited == Snapshot(100 + MAX_IN_PROGRESS, in_progress[:MAX_IN_PROGRESS])


def test_ended_transactions() -> None:
    """Those that were in progress, and are not any more, have ended."""
    earlier = Snapshot(20, (10, 14, 18))
    assert Snapshot(30, (14, 25)).ended_since(earlier) == (10, 18)
    assert Snapshot(16, ()).ended_since(earlier) == (10, 14)


def test_snapshot_covers_what_it_sees_all_of() -> None:
    """A snapshot covers another if no transaction is visible in that one only."""
    snapshot = Snapshot(20, (10, 14))
    assert snapshot.covers(snapshot)
    assert snapshot.covers(Snapshot(14, (10,)))
    assert snapshot.covers(Snapshot(20, (10, 14, 18)))
    assert not snapshot.covers(Snapshot(20, (10,)))
    assert not snapshot.covers(Snapshot(21, (10, 14)))
