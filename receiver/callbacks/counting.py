"""Counts callbacks for the metrics, by what happened to them."""

from receiver.callbacks.persist import Persisted, Spooled
from receiver.callbacks.policy import CallbackResult, result_of_error
from receiver.metrics.catalog import CALLBACKS
from receiver.metrics.counts import Counts
from receiver.signatures.matching import SignatureError

_OUTCOMES = {
    CallbackResult.TOO_LARGE: ("rejected", "too_large"),
    CallbackResult.DATABASE_UNAVAILABLE: ("unavailable", "database"),
    CallbackResult.MEMORY_FULL: ("unavailable", "memory"),
    CallbackResult.INCOMPLETE: ("unavailable", "incomplete"),
    CallbackResult.FAULT: ("unavailable", "fault"),
}


def count_persisted(counts: Counts, persisted: Persisted) -> None:
    """Count a callback that is stored."""
    if isinstance(persisted, Spooled):
        counts.add(CALLBACKS, "spooled", "")
    else:
        counts.add(CALLBACKS, persisted.outcome, persisted.reason or "")


def count_failed(counts: Counts, error: Exception) -> None:
    """Count a callback that was rejected, or that couldn't be stored."""
    if isinstance(error, SignatureError):
        counts.add(CALLBACKS, "rejected", error.reason)
    else:
        counts.add(CALLBACKS, *_OUTCOMES[result_of_error(error)])
