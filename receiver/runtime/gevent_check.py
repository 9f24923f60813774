"""The gevent check: the driver must wait where gevent can switch to other requests."""

from gevent import monkey
from psycopg import waiting


def is_under_gevent() -> bool:
    """Return whether gevent ends this process's waits; it does in the workers of gunicorn."""
    return bool(monkey.is_module_patched("select"))


def check() -> None:
    """Raise RuntimeError if psycopg waits in C, where one statement blocks all requests.

    psycopg chooses its wait function when it is imported: the C function, unless gevent has patched
    `select` before.
    """
    if waiting.wait is getattr(waiting, "wait_c", None) or not is_under_gevent():
        raise RuntimeError(
            "psycopg would wait in C, so that one slow statement would block all requests: remove "
            "--preload, PSYCOPG_WAIT_FUNC, or a worker class other than gevent"
        )
