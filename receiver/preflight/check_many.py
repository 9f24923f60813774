"""Checks many mediaUrls, a few at a time, and returns the results in their order."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from receiver.preflight.address_policy import AddressPolicy
from receiver.preflight.check import check

# How many files are checked at the same time: they may all be on one server, and must not overload
# it.
CONCURRENCY = 4


def check_many(urls: Iterable[str], *, policy: AddressPolicy | None = None) -> Iterator[list[str]]:
    """Yield for each URL the texts of its issues."""
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        try:
            yield from pool.map(partial(_check, policy=policy), urls)
        finally:
            pool.shutdown(cancel_futures=True)


def _check(url: str, *, policy: AddressPolicy | None) -> list[str]:
    try:
        return [str(issue) for issue in check(url, policy=policy)]
    except Exception as error:  # noqa: BLE001 - one URL must not end the check of all others
        return [f"it could not be checked ({type(error).__name__})"]
