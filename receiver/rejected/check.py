"""Finds the key and the PUBLIC_URL with which rejected requests would verify."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from receiver.rejected.origins import candidate_origins
from receiver.rejected.rebuild import rebuild_signed_request
from receiver.settings.keys import SigningKey
from receiver.signatures.matching import SignatureError
from receiver.signatures.signature import signer

# Combinations of a key and an origin. Each takes 20 microseconds or more, so this is about a
# minute. A remedy is reused for all similar requests, so only a flood of forged requests needs this
# many: a single one may name so many hosts and ports that it needs hundreds of tries.
MAX_TRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class Remedy:
    """A key and a PUBLIC_URL with which a request verifies; None is the current PUBLIC_URL."""

    key: SigningKey
    public_url: str | None

    def verifies(self, row: Row[Any], current_url: str | None) -> bool:
        """Return whether the request verifies; `current_url` is the current PUBLIC_URL."""
        return _verifies(row, self.public_url or current_url, self.key)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The distinct remedies, and the ids of the requests for which no tries were left."""

    remedies: list[Remedy]
    untried: set[int]


@dataclass(frozen=True, slots=True)
class Search:
    """What to try: the current PUBLIC_URL, then other values of it, each with all keys in order.

    `accounts` are the operator's own: requests that claim to be from them are tried first.
    """

    current_url: str | None
    public_urls: Sequence[str]
    keys: Sequence[SigningKey]
    accounts: Collection[str]

    def find_remedies(
        self, rows: Sequence[Row[Any]], advance: Callable[[int], None]
    ) -> SearchResult:
        """Return what verifies the requests; calls `advance(1)` for each request.

        A flood of forgeries may use up the tries, since its sender chooses account and host. So the
        result distinguishes requests that weren't tried from those that nothing verifies.
        """
        result = SearchResult([], set())
        tries = 0
        for row in self._in_order(rows):
            advance(1)
            if self.remedy_for(row, result.remedies):
                continue
            if tries >= MAX_TRIES:
                result.untried.add(row.id)
                continue
            for remedy in self._candidates(row):
                tries += 1
                if remedy.verifies(row, self.current_url):
                    result.remedies.append(remedy)
                    break

        return result

    def remedy_for(self, row: Row[Any], remedies: Iterable[Remedy]) -> Remedy | None:
        """Return the first of the remedies that verifies the request, None if none does."""
        return next((remedy for remedy in remedies if remedy.verifies(row, self.current_url)), None)

    def _candidates(self, row: Row[Any]) -> Iterator[Remedy]:
        given = [url for url in (self.current_url, *self.public_urls) if url]
        origins = candidate_origins(row.headers, given)
        others = [url for url in origins if url != self.current_url]
        for public_url in (None, *others):
            for key in self.keys:
                yield Remedy(key, public_url)

    def _in_order(self, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
        """Return the requests in the order in which to try them, those of `accounts` first.

        Requests of the same account and host probably have the same cause. So the first request of
        each group is tried before the second request of any group.
        """
        group_sizes: Counter[tuple[str, str | None]] = Counter()
        order: list[tuple[bool, int, int]] = []
        for row in rows:
            group = (row.account_id, row.headers.get("Host"))
            order.append((row.account_id not in self.accounts, group_sizes[group], len(order)))
            group_sizes[group] += 1

        return [row for _, row in sorted(zip(order, rows, strict=True))]


def _verifies(row: Row[Any], public_url: str | None, key: SigningKey) -> bool:
    try:
        signer(rebuild_signed_request(row, public_url), [key])
    except SignatureError:
        return False

    return True
