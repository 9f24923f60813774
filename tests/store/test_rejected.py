"""Keeping what doesn't verify: the quotas, whatever comes in whatever order."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from receiver.store.rejected import KEPT_FOR, Full, Quota, Rooms, keep_rejected
from receiver.store.rejected_read import (
    count_not_kept,
    not_kept,
    rejected_since,
    remove_rejected,
    usage,
)
from receiver.store.tables import rejected
from tests.store.rejections import START, make_rejected

OWN = "AC0"
SIZE = make_rejected(0).row_bytes
ROOMS = Rooms(
    frozenset({OWN}),
    each_own=Quota(4, 5 * SIZE),
    each_other=Quota(2, 3 * SIZE),
    all_others=Quota(3, 4 * SIZE),
)


def _rows(engine: Engine) -> list[Any]:
    columns = (rejected.c.id, rejected.c.account_id, rejected.c.received_at, rejected.c.row_bytes)
    with engine.connect() as connection:
        return list(connection.execute(select(*columns).order_by(rejected.c.id)).all())


def _within(rows: list[Any], rooms: Rooms) -> bool:
    """Tell whether no room holds more than it may."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for row in rows:
        for name in {row.account_id, "own" if row.account_id in rooms.own else "others"}:
            counts[name] += 1
            sizes[name] += row.row_bytes

    def fits(name: str, quota: Quota) -> bool:
        return counts[name] <= quota.rows and sizes[name] <= quota.bytes

    strangers = {row.account_id for row in rows} - rooms.own

    return (
        all(fits(account, rooms.each_own) for account in rooms.own)
        and all(fits(account, rooms.each_other) for account in strangers)
        and fits("others", rooms.all_others)
    )


arrivals = st.lists(
    st.tuples(
        st.sampled_from([OWN, "AC1", "AC2", "AC3"]),
        st.sampled_from([0, 1, 13, 25]),  # hours since the one before
        st.sampled_from([100, 100, 100, 900, 2500, 10_000]),  # bytes
    ),
    min_size=4,
    max_size=16,
)


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the table is emptied for each
@given(arrivals)
def test_no_room_ever_overflows_and_nothing_young_is_evicted(
    engine: Engine, came: list[tuple[str, int, int]]
) -> None:
    """Whoever sends whatever: the quotas hold, and only what is a day old makes room."""
    with engine.connect() as connection:
        connection.execute(delete(rejected))
    hours = 0
    for number, (account, later, size) in enumerate(came):
        hours += later
        request = make_rejected(number, account=account, hours=hours, size=size)
        before = _rows(engine)
        try:
            kept = keep_rejected(engine, request, ROOMS)
        except Full:
            assert _rows(engine) == before
            continue
        after = _rows(engine)
        gone = [row for row in before if row not in after]
        assert [row.id for row in after if row not in before] == [kept]
        assert all(row.received_at <= request.received_at - KEPT_FOR for row in gone)
        # Only what is in the same room makes room.
        assert all((row.account_id in ROOMS.own) == (account in ROOMS.own) for row in gone)
        assert _within(after, ROOMS)


def test_the_oldest_make_room_and_no_more_than_must(engine: Engine) -> None:
    """After a day the first go for the newest, by number or by size, and the others stay."""
    first, *others = [
        keep_rejected(engine, make_rejected(n, account=OWN, hours=n), ROOMS) for n in range(4)
    ]
    with pytest.raises(Full):
        keep_rejected(engine, make_rejected(4, account=OWN, hours=23.9), ROOMS)
    last = keep_rejected(engine, make_rejected(5, account=OWN, hours=28), ROOMS)
    assert [row.id for row in _rows(engine)] == [*others, last]
    assert first not in others
    with pytest.raises(Full):
        keep_rejected(engine, make_rejected(6, account=OWN, hours=28, size=5000), ROOMS)
    large = make_rejected(7, account=OWN, hours=28, size=100 + 2 * SIZE)
    largest = keep_rejected(engine, large, ROOMS)
    assert [row.id for row in _rows(engine)] == [others[2], last, largest]


def test_strangers_leave_our_own_room_alone(engine: Engine) -> None:
    """However full the common room is, an account that we name has its own."""
    for number in range(3):
        keep_rejected(engine, make_rejected(number, account=f"AC{number + 1}"), ROOMS)
    with pytest.raises(Full) as full:
        keep_rejected(engine, make_rejected(3, account="AC4"), ROOMS)
    assert full.value.account is None
    assert keep_rejected(engine, make_rejected(4, account=OWN), ROOMS)


def test_one_stranger_has_a_part_of_the_common_room(engine: Engine) -> None:
    """It is told whose room is full."""
    for number in range(2):
        keep_rejected(engine, make_rejected(number), ROOMS)
    with pytest.raises(Full) as full:
        keep_rejected(engine, make_rejected(2), ROOMS)
    assert full.value.account == "AC1"
    assert keep_rejected(engine, make_rejected(3, account="AC2"), ROOMS)


def test_the_same_body_is_one_row(engine: Engine) -> None:
    """Refused again, also where there is no more room, it has the number it had."""
    numbers = [keep_rejected(engine, make_rejected(n), ROOMS) for n in (0, 1, 0, 1, 0)]
    assert numbers == [*numbers[:2], *numbers[:2], numbers[0]]
    assert len(_rows(engine)) == 2


def test_writers_at_once_keep_the_quotas(engine: Engine) -> None:
    """Eight connections fill the rooms to the last row, and not beyond."""

    def keep(number: int) -> bool:
        try:
            keep_rejected(engine, make_rejected(number, account=f"AC{number % 5}"), ROOMS)
        except Full:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(keep, range(40)))
    assert sum(kept) == ROOMS.each_own.rows + ROOMS.all_others.rows
    assert _within(_rows(engine), ROOMS)


def test_the_usage_is_told_by_room(engine: Engine) -> None:
    """Each account of our own, then all others together."""
    for number, account in enumerate([OWN, "AC1", "AC2"]):
        keep_rejected(engine, make_rejected(number, account=account, hours=number), ROOMS)
    with engine.connect() as connection:
        own, others = usage(connection, ROOMS)
        assert (own.account, own.used, own.quota) == (OWN, Quota(1, SIZE), ROOMS.each_own)
        assert (others.account, others.used) == (None, Quota(2, 2 * SIZE))
        assert rejected_since(connection, START + timedelta(hours=1)) == 2
        remove_rejected(connection, _rows(engine)[0].id)
        assert usage(connection, ROOMS)[0].used == Quota(0, 0)


def test_what_was_not_kept_is_added_up(engine: Engine) -> None:
    """Each worker's batches come together, with the time of the first and the last."""
    later = START + timedelta(hours=1)
    with engine.connect() as connection:
        count_not_kept(connection, {"full": 2}, START)
        count_not_kept(connection, {"unread": 1, "full": 3}, later)
        rows = [tuple(row) for row in not_kept(connection)]
    assert rows == [("full", 5, START, later), ("unread", 1, later, later)]
