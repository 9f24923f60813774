"""The metrics that workers count, and their names, help texts and labels.

Every value of a label comes from a closed set, so the number of series is bounded.
"""

from dataclasses import dataclass, field
from typing import get_args

from receiver.signatures.matching import Reason as SignatureReason
from receiver.store.event import Outcome
from receiver.store.event import Reason as QuarantineReason


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A number that only grows. Its name ends with `_total`."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    # The values of its labels that are shown as 0 before they occur: Prometheus sees no increase
    # in a series that begins with 1.
    initial: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many values were at most as large as each limit, and their sum."""

    name: str
    help: str
    limits: tuple[float, ...]
    labels: tuple[str, ...] = ()
    # The label `le` of each bucket; the last bucket has no limit.
    bounds: tuple[str, ...] = field(init=False)
    bucket_name: str = field(init=False)
    sum_name: str = field(init=False)

    def __post_init__(self) -> None:
        bounds = (*(str(float(limit)) for limit in self.limits), "+Inf")
        object.__setattr__(self, "bounds", bounds)
        object.__setattr__(self, "bucket_name", f"{self.name}_bucket")
        object.__setattr__(self, "sum_name", f"{self.name}_sum")


# Each outcome of a callback, with the reasons that it can have.
_OUTCOMES: dict[str, tuple[str, ...]] = {
    Outcome.APPLIED: ("",),
    Outcome.STALE: ("",),
    Outcome.QUARANTINED: get_args(QuarantineReason),
    Outcome.ERASED: ("",),
    "spooled": ("",),
    "rejected": (*get_args(SignatureReason), "too_large"),
    "unavailable": ("database", "memory", "incomplete", "fault"),
}

CALLBACKS = Counter(
    name="receiver_callbacks_total",
    help="Requests to the callback route, by what happened to them. The outcomes applied, stale "
    "and quarantined are in the ledger, erased is of an erased job, spooled is on disk, rejected "
    "was answered 403 or 413, and unavailable 503.",
    labels=("outcome", "reason"),
    initial=tuple((outcome, reason) for outcome, all_ in _OUTCOMES.items() for reason in all_),
)
REQUESTS = Counter(
    name="receiver_http_requests_total",
    help="Answered HTTP requests. The route other is of those that no route matches.",
    labels=("route", "status"),
)
REQUEST_SECONDS = Histogram(
    name="receiver_http_request_duration_seconds",
    help="Seconds from a request's head to its answer.",
    limits=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    labels=("route",),
)
# Twilio doesn't send the callback of a transcript that makes its body larger than 1 MB.
BODY_BYTES = Histogram(
    name="receiver_callback_body_bytes",
    help="Bytes of the bodies of signed callbacks.",
    limits=(1_000, 4_000, 16_000, 64_000, 256_000, 500_000, 900_000, 1_000_000),
)

COUNTERS = (CALLBACKS, REQUESTS)
HISTOGRAMS = (REQUEST_SECONDS, BODY_BYTES)

# Counted in the receipts, with the figures, because commands erase too.
ERASURES = Counter(
    name="receiver_erasures_total",
    help="Complete erasures, by what was to be erased.",
    labels=("kind",),
    initial=(("job",), ("address",), ("conversation",)),
)

# Gauges of the group of figures that has their values, see receiver.metrics.figures.
FIGURES = {
    "transcripts": {
        "receiver_transcripts_missing": "Completed jobs whose transcript should be here, and "
        "isn't.",
        "receiver_oldest_missing_timestamp_seconds": "When the first job with a missing transcript "
        "ended.",
        "receiver_transcripts_without_callback": "Transcripts of the last 7 days that were "
        "read from conversations, because their callbacks never arrived.",
        "receiver_jobs_completed": "Jobs that are COMPLETED at Twilio.",
        "receiver_jobs_failed": "Jobs that FAILED at Twilio.",
    },
    "callbacks": {
        "receiver_last_callback_timestamp_seconds": "When the last callback was received that was "
        "a job's first, or is quarantined.",
        "receiver_quarantined": "Signed callbacks, and responses of Twilio, that couldn't be used.",
    },
    "reconcile": {
        "receiver_reconcile_complete_timestamp_seconds": "When the reconciler last read all of "
        "Twilio's list of jobs.",
    },
    "rejected": {
        "receiver_rejected_kept": "Stored requests that look like callbacks but don't verify.",
    },
    "database": {
        "receiver_database_bytes": "The size of the database.",
    },
    "search": {
        "receiver_search_indexed_timestamp_seconds": "Every transcript that was stored before this "
        "time is searched.",
    },
    "erasures": {},  # the counter ERASURES
}
