"""Checks the spool: whether it could store a callback now, and which callbacks wait in it."""

import stat
import time
from collections.abc import Iterator

from receiver.doctor.finding import Finding, Verdict
from receiver.settings.config import Settings
from receiver.spool.folder import Spool, SpooledFile, explain

# The web process moves waiting files as soon as the database is available.
MAX_WAIT_SECONDS = 60.0


def check_spool(settings: Settings) -> Iterator[Finding]:
    """Check the spool, if there is one."""
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
            "Set SPOOL_DIR to a folder that the web process can write to, on a disk with free "
            "space.",
        )
        return
    if spool.path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield Finding(
            Verdict.WARN,
            f"spool: users other than its owner can write to {spool.path}",
            "Remove their write permission on SPOOL_DIR. A well-formed file in it is accepted as a "
            "verified callback, so only the web process's user may write there.",
        )
    if damaged:
        yield _check_damaged(damaged)
    yield _check_waiting(spool, files)


def _check_damaged(damaged: dict[str, str]) -> Finding:
    return Finding(
        Verdict.FAIL,
        f"spool: {len(damaged)} files can't be read, so they stay in the spool",
        "Run `flask --app app spool`, which lists them, and find out what changed them. Keep the "
        "files outside the spool: each contains a callback, which is in the ledger only if Twilio "
        "sent it again.",
    )


def _check_waiting(spool: Spool, files: list[SpooledFile]) -> Finding:
    text = f"spool: {'durable' if spool.durable else 'not durable'}, {len(files)} files wait"
    if files and time.time() - files[0].written_at > MAX_WAIT_SECONDS:
        return Finding(
            Verdict.WARN,
            f"{text}, the oldest for more than {MAX_WAIT_SECONDS:g} s",
            "When the database is available again, check that the web process is running: it moves "
            "them into the ledger. If files stay, run `flask --app app spool --drain`, which "
            "prints the reason.",
        )

    return Finding(Verdict.OK, text)
