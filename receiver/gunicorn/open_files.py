"""Open files: how many connections a worker may accept."""

import resource

# More connections than anyone needs; each takes a few kilobytes.
MAX_FILES = 10_000
# For the database, the spool, the log, calls to Twilio and checks of a mediaUrl. An idle worker has
# 9 files open, and one more for each connection to the database.
RESERVED_FILES = 500
# A worker with fewer connections is logged at the start.
FEW_CONNECTIONS = 500


def raise_limit() -> int:
    """Raise the process's limit of open files as far as useful and allowed, and return it.

    The soft limit is often 1024. A process may raise it to the hard limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

    return most


def max_connections(max_files: int) -> int:
    """Return how many connections a worker may accept if it may open `max_files` files.

    Beyond that, new connections wait. Half of the files stay free if there are few.
    """
    return max_files - min(RESERVED_FILES, max_files // 2)
