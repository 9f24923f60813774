"""The doctor's look at the spool: whether it would take a callback, and what waits in it."""

import stat
import time
from collections.abc import Iterator

from receiver.doctor.finding import Finding, Verdict
from receiver.settings.config import Settings
from receiver.spool.folder import Spool, SpooledFile, explain

# In seconds. The web process moves what waits as soon as the database takes it.
LONG = 60.0


def findings(settings: Settings) -> Iterator[Finding]:
    """Judge the spool, if there is one."""
    if settings.spool_dir is None:
        return
    spool = Spool(settings.spool_dir, durable=settings.spool_durable)
    try:
        spool.probe()
        files, damaged = spool.list_files(), spool.find_damaged()
    except OSError as error:
        yield Finding(
            Verdict.FAIL,
            f"spool: {spool.path} can't be used: {explain(error)}",
            "Let SPOOL_DIR name a folder on a disk with room, which the web process may write to.",
        )
        return
    if spool.path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield Finding(
            Verdict.WARN,
            f"spool: others than its owner may write to {spool.path}",
            "Let nobody but the web process's user write to SPOOL_DIR: what lies there in the "
            "right form is taken for a callback that was verified.",
        )
    if damaged:
        yield of_damaged(damaged)
    yield of_waiting(spool, files)


def of_damaged(damaged: dict[str, str]) -> Finding:
    """Tell of files that nothing will move."""
    return Finding(
        Verdict.FAIL,
        f"spool: {len(damaged)} files can't be read",
        "See `flask --app app spool`, and find out what changed them. Each holds a callback that "
        "is in the ledger only if Twilio sent it again: keep the files, outside the spool.",
    )


def of_waiting(spool: Spool, files: list[SpooledFile]) -> Finding:
    """Judge what waits; only for long is it a reason to look."""
    told = f"spool: {'durable' if spool.durable else 'not durable'}, {len(files)} files wait"
    if files and time.time() - files[0].written_at > LONG:
        return Finding(
            Verdict.WARN,
            f"{told}, the oldest for more than {LONG:g} s",
            "Once the database is in order, run `flask --app app spool --drain`: it says what "
            "keeps them. The web process, if it runs, moves them by itself.",
        )

    return Finding(Verdict.OK, told)
