"""How much may be kept of what doesn't verify: a quota for each account of ours, one for others."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from receiver.store.tables import rejected

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Amount:
    """How many requests, and how much they take."""

    rows: int
    bytes: int


class Quota(NamedTuple):
    """How much may be kept of the rows that meet a condition.

    `account` is the one whose quota it is, None where it is the one that all others share.
    """

    account: str | None
    condition: ColumnElement[bool]
    most: Amount


@dataclass(frozen=True, slots=True)
class Quotas:
    """Who may have how much kept.

    The accounts of `own` have a quota each. All others share one, of which none may have more than
    its part: what strangers make up must stay small beside a database of 1 GB, as small plans are.
    A callback has some 8 kB as a rule, and 1 MB at most.
    """

    own: frozenset[str]
    each_own: Amount = Amount(10_000, 128 * _MIB)
    each_other: Amount = Amount(1_000, 8 * _MIB)
    all_others: Amount = Amount(8_000, 64 * _MIB)

    def of(self, account: str) -> list[Quota]:
        """Return those that a request in the account's name has to fit into."""
        alone = rejected.c.account_id == account
        if account in self.own:
            return [Quota(account, alone, self.each_own)]

        return [Quota(account, alone, self.each_other), self.of_others()]

    def of_others(self) -> Quota:
        """Return the one that all accounts share that have none of their own."""
        return Quota(None, rejected.c.account_id.not_in(sorted(self.own)), self.all_others)


def measure(connection: Connection, quota: Quota) -> Amount:
    """Return how much is kept of what the quota is for."""
    sums = select(func.count(), func.coalesce(func.sum(rejected.c.row_bytes), 0))
    rows, size = connection.execute(sums.where(quota.condition)).one()

    return Amount(rows, size)
