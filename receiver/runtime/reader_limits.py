"""What the readers of one worker may use, so that they don't delay its callbacks."""

from dataclasses import dataclass, field

from receiver.runtime.byte_cache import ByteCache
from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.runtime.pacing import Pacer

# Requests that are processed at the same time: each may hold a body of 2 MB and its rendering.
MAX_REQUESTS = 16
# Submissions have places of their own, because they wait for Twilio.
MAX_SUBMISSIONS = 16
# So have scrapes of the metrics: they matter most while all other readers wait for the database.
MAX_SCRAPES = 4
# Exports that are sent at the same time: each holds one rendered page while its client receives it.
MAX_EXPORTS = 4
# How long further requests wait before they are answered 429. An immediate 429 would invite clients
# that repeat it at once, and each answer costs as much as a small read. The waiting ones cost
# nothing, and most of them are served: a read usually takes milliseconds.
WAIT_TIMEOUT_SECONDS = 1.0
# Rendering is work for the CPU, so two at the same time would only take twice as long.
MAX_RENDERINGS = 1
RENDERING_WAIT_TIMEOUT_SECONDS = 4.0
RENDERED_BYTES = 16 * 1024 * 1024
# The digests of 2048 transcripts.
DIGESTS_BYTES = 2048 * 32

# Connections that readers leave free: for callbacks, and for what goes along with these, such as
# the drain of the spool.
_RESERVED_CONNECTIONS = 2

# The longest time of a statement that no index answers: enough for a list to skip some hundred
# thousand jobs, and to count some millions. Counting ends before the request's deadline.
LIST_TIMEOUT_SECONDS = 1.0
COUNT_TIMEOUT_SECONDS = 5.0
# The same if readers and callbacks share one connection.
SHARED_LIST_TIMEOUT_SECONDS = 0.15
SHARED_COUNT_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class ReaderLimits:
    """The limits of one worker."""

    connections: ConcurrencyLimit
    list_seconds: float
    count_seconds: float
    requests: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(MAX_REQUESTS))
    submissions: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(MAX_SUBMISSIONS))
    scrapes: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(MAX_SCRAPES))
    exports: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(MAX_EXPORTS))
    renderings: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(MAX_RENDERINGS))
    rendered: ByteCache = field(default_factory=lambda: ByteCache(max_bytes=RENDERED_BYTES))
    # By job id. A digest may be outdated: the statement that reads the transcript checks it.
    digests: ByteCache = field(default_factory=lambda: ByteCache(max_bytes=DIGESTS_BYTES))
    pacer: Pacer = field(default_factory=Pacer)


def reader_limits(pool_size: int) -> ReaderLimits:
    """Return the limits for a worker with this many database connections.

    A pool of one or two leaves readers one connection. If it is the only one, callbacks wait for
    one statement of a reader at most, so slow statements end earlier.
    """
    is_shared = pool_size == 1

    return ReaderLimits(
        connections=ConcurrencyLimit(max(1, pool_size - _RESERVED_CONNECTIONS)),
        list_seconds=SHARED_LIST_TIMEOUT_SECONDS if is_shared else LIST_TIMEOUT_SECONDS,
        count_seconds=SHARED_COUNT_TIMEOUT_SECONDS if is_shared else COUNT_TIMEOUT_SECONDS,
    )
