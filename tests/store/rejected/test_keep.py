"""Keeping what doesn't verify: the quotas, whatever comes in whatever order."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from receiver.store.rejected.not_kept import add_not_kept, not_kept_counts
from receiver.store.rejected.quotas import Amount, Quotas
from receiver.store.rejected.read import rejected_since, usage
from receiver.store.rejected.write import (
    MIN_RETENTION,
    QuotaExceededError,
    remove_rejected,
    store_rejected,
)
from receiver.store.tables import rejected
from tests.support.rejections import START, make_rejected

OWN = "AC0"
SIZE = make_rejected(0).row_bytes
QUOTAS = Quotas(
    frozenset({OWN}),
    each_own=Amount(4, 5 * SIZE),
    each_other=Amount(2, 3 * SIZE),
    all_others=Amount(3, 4 * SIZE),
)


def _rows(engine: Engine) -> list[Any]:
    columns = (rejected.c.id, rejected.c.account_id, rejected.c.received_at, rejected.c.row_bytes)
    with engine.connect() as connection:
        return list(connection.execute(select(*columns).order_by(rejected.c.id)).all())


def _within(rows: list[Any], quotas: Quotas) -> bool:
    """Tell whether no quota is exceeded."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for row in rows:
        for name in {row.account_id, "own" if row.account_id in quotas.own else "others"}:
            counts[name] += 1
            sizes[name] += row.row_bytes

    def fits(name: str, most: Amount) -> bool:
        return counts[name] <= most.rows and sizes[name] <= most.bytes

    strangers = {row.account_id for row in rows} - quotas.own

    return (
        all(fits(account, quotas.each_own) for account in quotas.own)
        and all(fits(account, quotas.each_other) for account in strangers)
        and fits("others", quotas.all_others)
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
def test_no_quota_is_ever_exceeded_and_nothing_young_is_evicted(
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
            kept = store_rejected(engine, request, QUOTAS)
        except QuotaExceededError:
            assert _rows(engine) == before
            continue
        after = _rows(engine)
        gone = [row for row in before if row not in after]
        assert [row.id for row in after if row not in before] == [kept]
        assert all(row.received_at <= request.received_at - MIN_RETENTION for row in gone)
        # Only what falls under the same quota makes room.
        assert all((row.account_id in QUOTAS.own) == (account in QUOTAS.own) for row in gone)
        assert _within(after, QUOTAS)


def test_the_oldest_make_room_and_no_more_than_must(engine: Engine) -> None:
    """After a day the first go for the newest, by number or by size, and the others stay."""
    first, *others = [
        store_rejected(engine, make_rejected(n, account=OWN, hours=n), QUOTAS) for n in range(4)
    ]
    with pytest.raises(QuotaExceededError):
        store_rejected(engine, make_rejected(4, account=OWN, hours=23.9), QUOTAS)
    last = store_rejected(engine, make_rejected(5, account=OWN, hours=28), QUOTAS)
    assert [row.id for row in _rows(engine)] == [*others, last]
    assert first not in others
    with pytest.raises(QuotaExceededError):
        store_rejected(engine, make_rejected(6, account=OWN, hours=28, size=5000), QUOTAS)
    large = make_rejected(7, account=OWN, hours=28, size=100 + 2 * SIZE)
    largest = store_rejected(engine, large, QUOTAS)
    assert [row.id for row in _rows(engine)] == [others[2], last, largest]


def test_strangers_leave_our_own_quota_alone(engine: Engine) -> None:
    """However full the common quota is, an account that we name has its own."""
    for number in range(3):
        store_rejected(engine, make_rejected(number, account=f"AC{number + 1}"), QUOTAS)
    with pytest.raises(QuotaExceededError) as full:
        store_rejected(engine, make_rejected(3, account="AC4"), QUOTAS)
    assert full.value.account is None
    assert store_rejected(engine, make_rejected(4, account=OWN), QUOTAS)


def test_one_stranger_has_a_part_of_the_common_quota(engine: Engine) -> None:
    """It is told whose quota is used up."""
    for number in range(2):
        store_rejected(engine, make_rejected(number), QUOTAS)
    with pytest.raises(QuotaExceededError) as full:
        store_rejected(engine, make_rejected(2), QUOTAS)
    assert full.value.account == "AC1"
    assert store_rejected(engine, make_rejected(3, account="AC2"), QUOTAS)


def test_the_same_body_is_one_row(engine: Engine) -> None:
    """Refused again, also where the quota is used up, it has the number it had."""
    numbers = [store_rejected(engine, make_rejected(n), QUOTAS) for n in (0, 1, 0, 1, 0)]
    assert numbers == [*numbers[:2], *numbers[:2], numbers[0]]
    assert len(_rows(engine)) == 2


def test_writers_at_once_keep_the_quotas(engine: Engine) -> None:
    """Eight connections fill the quotas to the last row, and not beyond."""

    def keep(number: int) -> bool:
        try:
            store_rejected(engine, make_rejected(number, account=f"AC{number % 5}"), QUOTAS)
        except QuotaExceededError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(keep, range(40)))
    assert sum(kept) == QUOTAS.each_own.rows + QUOTAS.all_others.rows
    assert _within(_rows(engine), QUOTAS)


def test_the_usage_is_told_by_quota(engine: Engine) -> None:
    """Each account of our own, then all others together."""
    for number, account in enumerate([OWN, "AC1", "AC2"]):
        store_rejected(engine, make_rejected(number, account=account, hours=number), QUOTAS)
    with engine.connect() as connection:
        own, others = usage(connection, QUOTAS)
        assert (own.quota.account, own.used) == (OWN, Amount(1, SIZE))
        assert own.quota.limit == QUOTAS.each_own
        assert (others.quota.account, others.used) == (None, Amount(2, 2 * SIZE))
        assert others.quota.limit == QUOTAS.all_others
        assert rejected_since(connection, START + timedelta(hours=1)) == 2
        remove_rejected(connection, _rows(engine)[0].id)
        assert usage(connection, QUOTAS)[0].used == Amount(0, 0)


def test_what_was_not_kept_is_added_up(engine: Engine) -> None:
    """Each worker's batches come together, with the time of the first and the last."""
    later = START + timedelta(hours=1)
    with engine.connect() as connection:
        add_not_kept(connection, {"full": 2}, START)
        add_not_kept(connection, {"unread": 1, "full": 3}, later)
        rows = [tuple(row) for row in not_kept_counts(connection)]
    assert rows == [("full", 5, START, later), ("unread", 1, later, later)]
