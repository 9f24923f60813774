"""A look at many mediaUrls: a few at a time, in the order of their rows."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from receiver.preflight.check import check

# How many are looked at at the same time: they may all lie on one server, which isn't ours.
CONCURRENCY = 4


def check_many(urls: Iterable[str]) -> Iterator[list[str]]:
    """Yield what would fail of each, in words."""
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        try:
            yield from pool.map(_told, urls)
        finally:
            pool.shutdown(cancel_futures=True)


def _told(url: str) -> list[str]:
    try:
        return [str(fault) for fault in check(url)]
    except Exception as error:  # noqa: BLE001 - one row must not end the look at all others
        return [f"it could not be looked at ({type(error).__name__})"]
