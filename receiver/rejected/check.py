"""Finds the key, the PUBLIC_URL and the path prefix with which rejected requests would verify."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from receiver.rejected.origins import candidate_origins
from receiver.rejected.rebuild import rebuild_signed_request
from receiver.runtime.pacing import Pause, no_pause, paced
from receiver.settings.keys import SigningKey
from receiver.settings.urls import PREFIX_PATTERN, without_credentials
from receiver.signatures.matching import SignatureError
from receiver.signatures.signature import signer
from receiver.signatures.url import callback_prefix

# Combinations of a key and an origin. Each takes 20 microseconds or more, so this is about a
# minute. A remedy is reused for all similar requests, so only a flood of forged requests needs this
# many: a single one may name so many hosts and ports that it needs hundreds of tries.
MAX_TRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class Remedy:
    """The settings with which a request verifies.

    A `public_url` of None is the current PUBLIC_URL. `prefix` is to be added to
    PUBLIC_URL_PREFIXES; "" if none is missing there.
    """

    key: SigningKey
    public_url: str | None
    prefix: str

    def conditions(self) -> list[str]:
        """Return what has to be set, as clauses; none if the request verifies already."""
        clauses = []
        if self.public_url:
            clauses.append(f"PUBLIC_URL is {_safe_url(self.public_url)}")
        if self.prefix:
            clauses.append(f"PUBLIC_URL_PREFIXES has {self.prefix}")

        return clauses


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The distinct remedies, and the ids of the requests for which no tries were left."""

    remedies: list[Remedy]
    untried: set[int]


@dataclass(frozen=True, slots=True)
class Search:
    """What to try: the current PUBLIC_URL, then other values of it, each with all keys in order.

    `prefixes` are the current PUBLIC_URL_PREFIXES. `accounts` are the operator's own: requests that
    claim to be from them are tried first.
    """

    current_url: str | None
    prefixes: Collection[str]
    public_urls: Sequence[str]
    keys: Sequence[SigningKey]
    accounts: Collection[str]

    def find_remedies(
        self,
        rows: Sequence[Row[Any]],
        advance: Callable[[int], None],
        *,
        max_tries: int,
        pause: Pause = no_pause,
    ) -> SearchResult:
        """Return what verifies the requests; calls `advance(1)` for each request.

        `max_tries` limits how many signatures are tried. `pause` is called after every few tries.

        A flood of forgeries may use up the tries, since its sender chooses account and host. So the
        result distinguishes requests that weren't tried from those that nothing verifies.
        """
        result = SearchResult([], set())
        tries = 0
        for row in self._in_order(rows):
            advance(1)
            if self.remedy_for(row, result.remedies):
                continue
            if tries >= max_tries:
                result.untried.add(row.id)
                continue
            for key, public_url in paced(self._candidates(row), pause):
                tries += 1
                if remedy := self._try(row, key, public_url):
                    result.remedies.append(remedy)
                    break

        return result

    def remedy_for(self, row: Row[Any], remedies: Iterable[Remedy]) -> Remedy | None:
        """Return the first of the remedies that verifies the request, None if none does."""
        return next(
            (
                remedy
                for remedy in remedies
                if self._try(row, remedy.key, remedy.public_url) == remedy
            ),
            None,
        )

    def _try(self, row: Row[Any], key: SigningKey, public_url: str | None) -> Remedy | None:
        """Return the remedy with this key and PUBLIC_URL, None if the request doesn't verify."""
        base = public_url or self.current_url
        signed = rebuild_signed_request(row, base)
        try:
            signer(signed, [key])
        except SignatureError:
            return None
        prefix = callback_prefix(signed.url, base)
        if prefix is None or not (prefix == "" or PREFIX_PATTERN.fullmatch(prefix)):
            return None

        return Remedy(key, public_url, "" if prefix in self.prefixes else prefix)

    def _candidates(self, row: Row[Any]) -> Iterator[tuple[SigningKey, str | None]]:
        given = [url for url in (self.current_url, *self.public_urls) if url]
        origins = candidate_origins(row.headers, given)
        others = [url for url in origins if url != self.current_url]
        for public_url in (None, *others):
            for key in self.keys:
                yield key, public_url

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


def _safe_url(url: str) -> str:
    safe = without_credentials(url)

    return safe if safe == url else f"{safe} (with its user and password)"
