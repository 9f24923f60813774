"""The drain in the background of a web worker: nobody has to type a command."""

import logging
from collections.abc import Sequence
from itertools import chain, repeat

import gevent
from sqlalchemy import Engine

from receiver.callbacks.drain import Drain
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import run_in_thread
from receiver.settings.keys import SigningKey
from receiver.spool.folder import Spool, explain
from receiver.store.retry import DatabaseUnavailableError

logger = logging.getLogger(__name__)

# Between two passes, in seconds: where files wait, and where none does or the database is away.
SOON = 1.0
LATER = 5.0


def start(engine: Engine, spool: Spool, keys: Sequence[SigningKey]) -> None:
    """Drain the spool in a greenlet of this process, for as long as it lives."""
    gevent.spawn(run, Drain(engine, spool, keys))


def run(drain: Drain) -> None:
    """Probe the spool once, then try all that waits, again and again; it never returns."""
    told = ""
    for step in chain([_probe], repeat(_pass)):
        try:
            pause = step(drain)
            told = ""
        except Exception as error:  # noqa: BLE001 - what waits must be tried again, whatever it was
            pause = LATER
            if locate(error) != told:
                told = locate(error)
                logger.error("draining the spool failed, trying again: %s", told)  # noqa: TRY400 - no text of its own
        gevent.sleep(pause)


def _probe(drain: Drain) -> float:
    """Tell whether the spool can't be used; return that the first pass may begin at once."""
    try:
        run_in_thread(drain.spool.probe)
    except OSError as error:
        logger.error(  # noqa: TRY400 - where it was raised says nothing
            "the spool can't be used, so nothing is kept while the database is away: %s. "
            "Let SPOOL_DIR name a folder that this process may write to.",
            explain(error),
            extra={"folder": str(drain.spool.path)},
        )

    return 0.0


def _pass(drain: Drain) -> float:
    """Try all that waits; return in how many seconds to look again."""
    files = drain.waiting()
    moved = 0
    try:
        for tried in drain.run(files):
            moved += tried.moved
    except DatabaseUnavailableError as error:
        logger.warning("spooled callbacks wait for the database: %s", error)
        return LATER
    finally:
        if moved:
            logger.info("%d spooled callbacks moved into the ledger", moved)

    return SOON if files else LATER
