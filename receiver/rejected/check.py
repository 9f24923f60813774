"""What would have verified the requests that were rejected: which key, and which PUBLIC_URL."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from receiver.rejected.origins import origins
from receiver.rejected.signed import as_signed
from receiver.settings.keys import SigningKey
from receiver.signatures.matching import SignatureError
from receiver.signatures.signature import signer

# Of combinations, at 20 microseconds and up: a minute's work at most. What is found once explains
# all that are alike, so only a flood of forgeries comes to that: one of them may name so many hosts
# and ports that it takes some hundred.
MOST_TRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class Remedy:
    """A key, and the PUBLIC_URL under which it verifies: None where today's does."""

    key: SigningKey
    public_url: str | None

    def verifies(self, row: Row[Any], today: str | None) -> bool:
        """Tell whether it does, where PUBLIC_URL is `today`."""
        return _verifies(row, self.public_url or today, self.key)


@dataclass(frozen=True, slots=True)
class Found:
    """What verifies the rows, each once, and the ids of those for which no tries were left."""

    remedies: list[Remedy]
    untried: set[int]


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look: PUBLIC_URL as it is set, other candidates for it, and the keys in order.

    `accounts` are ours: what claims to be of one of them is looked at first.
    """

    today: str | None
    public_urls: Sequence[str]
    keys: Sequence[SigningKey]
    accounts: Collection[str]

    def remedies(self, rows: Sequence[Row[Any]], tell: Callable[[int], None]) -> Found:
        """Return what verifies the rows; `tell` is called for each of them.

        A flood may use up the tries, for whoever sends it chooses account and host. What came too
        late for them is told apart from what nothing verifies.
        """
        found = Found([], set())
        tries = 0
        for row in self._in_order(rows):
            tell(1)
            if self.explain(row, found.remedies):
                continue
            if tries >= MOST_TRIES:
                found.untried.add(row.id)
                continue
            for remedy in self._candidates(row):
                tries += 1
                if remedy.verifies(row, self.today):
                    found.remedies.append(remedy)
                    break

        return found

    def explain(self, row: Row[Any], found: Iterable[Remedy]) -> Remedy | None:
        """Return the first of what was found that verifies the row, if any does."""
        return next((remedy for remedy in found if remedy.verifies(row, self.today)), None)

    def _candidates(self, row: Row[Any]) -> Iterator[Remedy]:
        given = [url for url in (self.today, *self.public_urls) if url]
        others = [url for url in origins(row.headers, given) if url != self.today]
        for public_url in (None, *others):
            for key in self.keys:
                yield Remedy(key, public_url)

    def _in_order(self, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
        """Return the rows of our accounts first.

        Requests of the same account and host are likely to have the same cause. So each such group
        has its first before any has its second.
        """
        seen: Counter[tuple[str, str | None]] = Counter()
        places: list[tuple[bool, int, int]] = []
        for row in rows:
            group = (row.account_id, row.headers.get("Host"))
            places.append((row.account_id not in self.accounts, seen[group], len(places)))
            seen[group] += 1

        return [row for _, row in sorted(zip(places, rows, strict=True))]


def _verifies(row: Row[Any], public_url: str | None, key: SigningKey) -> bool:
    try:
        signer(as_signed(row, public_url), [key])
    except SignatureError:
        return False

    return True
