"""Tests of the cache of bytes."""

from receiver.runtime.byte_cache import ByteCache


def test_least_recently_used_entry_leaves_first() -> None:
    """Beyond the limit of bytes, the entry that wasn't used for the longest time leaves."""
    cache = ByteCache(max_bytes=10)
    cache.put("a", b"12345")
    cache.put("b", b"12345")
    assert cache.get("a") == b"12345"
    cache.put("c", b"1")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"12345", None, b"1")


def test_too_large_value_is_not_cached() -> None:
    """A value that is larger than the cache isn't cached, and removes nothing."""
    cache = ByteCache(max_bytes=10)
    cache.put("a", b"12345")
    cache.put("b", b"12345678901")
    assert (cache.get("a"), cache.get("b")) == (b"12345", None)


def test_value_is_replaced() -> None:
    """A value takes the place of the key's earlier one; one that is too large removes it."""
    cache = ByteCache(max_bytes=10)
    cache.put("a", b"12345")
    cache.put("b", b"1234")
    cache.put("a", b"678901")
    assert (cache.get("a"), cache.get("b")) == (b"678901", b"1234")
    cache.put("a", b"12345678901")
    assert (cache.get("a"), cache.get("b")) == (None, b"1234")


def test_value_is_counted_once() -> None:
    """The same value put twice takes its bytes once."""
    cache = ByteCache(max_bytes=10)
    for _ in range(3):
        cache.put("a", b"12345")
    cache.put("b", b"12345")
    assert cache.get("a") == b"12345"
