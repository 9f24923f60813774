"""Checks many mediaUrls, a few at a time, and returns the results in their order."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from receiver.preflight.check import check

# How many files are checked at the same time: they may all be on one server, and must not overload
# it.
CONCURRENCY = 4


def check_many(urls: Iterable[str]) -> Iterator[list[str]]:
    """Yield for each URL the texts of its issues."""
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        try:
            yield from pool.map(_check, urls)
        finally:
            pool.shutdown(cancel_futures=True)


def _check(url: str) -> list[str]:
    try:
        return [str(issue) for issue in check(url)]
    except Exception as error:  # noqa: BLE001 - one URL must not end the check of all others
        return [f"it could not be checked ({type(error).__name__})"]
