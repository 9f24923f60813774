"""Quotas of rejected requests: one for each account of ours, and one that all others share."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from receiver.store.tables import rejected

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of requests, and the bytes of their rows."""

    rows: int
    bytes: int


class Quota(NamedTuple):
    """How much may be stored of the rows that meet a condition.

    `account` is the owner of the quota, None for a quota that several accounts share.
    """

    account: str | None
    condition: ColumnElement[bool]
    limit: Amount


@dataclass(frozen=True, slots=True)
class Quotas:
    """How much may be stored for which account.

    Each account in `own` has a quota. All others share one, and each of them has a limit within it.
    What strangers send must stay small even in a small plan's database of 1 GB. A callback usually
    has about 8 kB, and at most 1 MB.
    """

    own: frozenset[str]
    each_own: Amount = Amount(10_000, 128 * _MIB)
    each_other: Amount = Amount(1_000, 8 * _MIB)
    all_others: Amount = Amount(8_000, 64 * _MIB)

    def for_account(self, account: str) -> list[Quota]:
        """Return the quotas that apply to a request that names this account."""
        is_account = rejected.c.account_id == account
        if account in self.own:
            return [Quota(account, is_account, self.each_own)]

        return [Quota(account, is_account, self.each_other), self.for_others()]

    def for_others(self) -> Quota:
        """Return the quota that all accounts but ours share."""
        return Quota(None, rejected.c.account_id.not_in(sorted(self.own)), self.all_others)


def measure(connection: Connection, quota: Quota) -> Amount:
    """Return how much of the quota is used."""
    sums = select(func.count(), func.coalesce(func.sum(rejected.c.row_bytes), 0))
    rows, size = connection.execute(sums.where(quota.condition)).one()

    return Amount(rows, size)
