"""The hub: a worker must not wait for Postgres where gevent can't see it."""

from gevent import monkey
from psycopg import waiting


def check() -> None:
    """Raise RuntimeError where psycopg would wait in C: one statement would stop every request.

    psycopg chooses when it is imported: before gevent has patched `select` it takes the C function.
    """
    if waiting.wait is getattr(waiting, "wait_c", None) or not monkey.is_module_patched("select"):
        raise RuntimeError(
            "psycopg would wait in C, so that one slow statement stopped every request: leave away "
            "--preload, PSYCOPG_WAIT_FUNC and any worker class but gevent"
        )
