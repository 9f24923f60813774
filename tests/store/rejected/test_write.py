"""Tests of storing rejected requests: the quotas hold for any requests in any order."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from receiver.store.rejected.dropped import add_dropped, dropped_counts
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


def _is_within(rows: list[Any], quotas: Quotas) -> bool:
    """Return whether no quota is exceeded."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for row in rows:
        for name in {row.account_id, "own" if row.account_id in quotas.own else "others"}:
            counts[name] += 1
            sizes[name] += row.row_bytes

    def fits(name: str, limit: Amount) -> bool:
        return counts[name] <= limit.rows and sizes[name] <= limit.bytes

    others = {row.account_id for row in rows} - quotas.own

    return (
        all(fits(account, quotas.each_own) for account in quotas.own)
        and all(fits(account, quotas.each_other) for account in others)
        and fits("others", quotas.all_others)
    )


_requests = st.lists(
    st.tuples(
        st.sampled_from([OWN, "AC1", "AC2", "AC3"]),
        st.sampled_from([0, 1, 13, 25]),  # hours since the previous request
        st.sampled_from([100, 100, 100, 900, 2500, 10_000]),  # bytes
    ),
    min_size=4,
    max_size=16,
)


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # each example empties the table
@given(_requests)
def test_quotas_hold_and_only_old_rows_are_evicted(
    engine: Engine, requests: list[tuple[str, int, int]]
) -> None:
    """The quotas hold for any requests, and only rows that are a day old are evicted."""
    with engine.connect() as connection:
        connection.execute(delete(rejected))
    hours = 0
    for number, (account, hours_since_last, size) in enumerate(requests):
        hours += hours_since_last
        request = make_rejected(number, account=account, hours=hours, size=size)
        before = _rows(engine)
        try:
            stored_id = store_rejected(engine, request, QUOTAS)
        except QuotaExceededError:
            assert _rows(engine) == before
            continue
        after = _rows(engine)
        evicted = [row for row in before if row not in after]
        assert [row.id for row in after if row not in before] == [stored_id]
        assert all(row.received_at <= request.received_at - MIN_RETENTION for row in evicted)
        # Only rows under the same quota are evicted.
        assert all((row.account_id in QUOTAS.own) == (account in QUOTAS.own) for row in evicted)
        assert _is_within(after, QUOTAS)


def test_oldest_rows_are_evicted_and_no_more_than_needed(engine: Engine) -> None:
    """The oldest rows are evicted, by number or by size, and no more than needed."""
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


def test_other_accounts_do_not_use_our_own_quota(engine: Engine) -> None:
    """A configured account has its own quota, even if the common one is used up."""
    for number in range(3):
        store_rejected(engine, make_rejected(number, account=f"AC{number + 1}"), QUOTAS)
    with pytest.raises(QuotaExceededError) as error:
        store_rejected(engine, make_rejected(3, account="AC4"), QUOTAS)
    assert error.value.account is None
    assert store_rejected(engine, make_rejected(4, account=OWN), QUOTAS)


def test_one_other_account_gets_part_of_the_common_quota(engine: Engine) -> None:
    """One other account can use only a part of the common quota, and the error names it."""
    for number in range(2):
        store_rejected(engine, make_rejected(number), QUOTAS)
    with pytest.raises(QuotaExceededError) as error:
        store_rejected(engine, make_rejected(2), QUOTAS)
    assert error.value.account == "AC1"
    assert store_rejected(engine, make_rejected(3, account="AC2"), QUOTAS)


def test_same_body_is_one_row(engine: Engine) -> None:
    """A body that is rejected again keeps its row and id, even if the quota is used up."""
    numbers = [store_rejected(engine, make_rejected(n), QUOTAS) for n in (0, 1, 0, 1, 0)]
    assert numbers == [*numbers[:2], *numbers[:2], numbers[0]]
    assert len(_rows(engine)) == 2


def test_concurrent_writers_respect_the_quotas(engine: Engine) -> None:
    """Eight connections fill the quotas to the last row, and not beyond."""

    def store(number: int) -> bool:
        try:
            store_rejected(engine, make_rejected(number, account=f"AC{number % 5}"), QUOTAS)
        except QuotaExceededError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        is_stored = list(pool.map(store, range(40)))
    assert sum(is_stored) == QUOTAS.each_own.rows + QUOTAS.all_others.rows
    assert _is_within(_rows(engine), QUOTAS)


def test_usage_is_reported_per_quota(engine: Engine) -> None:
    """The usage has each of our own accounts first, then all others together."""
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


def test_dropped_counts_are_added_up(engine: Engine) -> None:
    """The workers' counts are added up, with the times of the first and the last batch."""
    later = START + timedelta(hours=1)
    with engine.connect() as connection:
        add_dropped(connection, {"full": 2}, START)
        add_dropped(connection, {"unread": 1, "full": 3}, later)
        rows = [tuple(row) for row in dropped_counts(connection)]
    assert rows == [
        ("full", 5, START, later),
        ("unread", 1, later, later),
    ]
