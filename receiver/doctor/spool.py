"""Checks the spool: whether it could store a callback now, and which callbacks wait in it."""

import time
from collections.abc import Iterator

from receiver.doctor.finding import Finding, Verdict
from receiver.runtime.plural import pluralize
from receiver.services import make_spool
from receiver.settings.config import Settings
from receiver.spool.folder import Spool, SpooledFile, explain
from receiver.spool.private import UnsafeFolderError

# The web process moves waiting files as soon as the database is available.
MAX_WAIT_SECONDS = 60.0
# Longer than a drain takes: then nothing moves them, and nobody can read what they contain.
STUCK_MINUTES = 15


def check_spool(settings: Settings) -> Iterator[Finding]:
    """Check the spool, if there is one."""
    spool = make_spool(settings)
    if spool is None:
        return
    try:
        spool.probe()
        files, unusable = spool.list_files(), spool.find_unusable()
    except UnsafeFolderError as error:
        yield Finding(
            Verdict.FAIL,
            f"spool: not used, because {explain(error)}",
            "Set SPOOL_DIR to a folder that belongs to the web process's user, with mode 0700, and "
            "whose parent no other user can write to. Run this command as the same user. Another "
            "user could put forged callbacks into any other folder.",
        )
        return
    except OSError as error:
        yield Finding(
            Verdict.FAIL,
            f"spool: {spool.path} can't be used: {explain(error)}",
            "Set SPOOL_DIR to a folder that the web process can write to, on a disk with free "
            "space.",
        )
        return
    refused_count = sum(file.is_refused for file in unusable)
    if len(unusable) > refused_count:
        yield _check_damaged(len(unusable) - refused_count)
    if refused_count:
        yield _check_refused(refused_count)
    yield _check_waiting(spool, files)


def _check_damaged(count: int) -> Finding:
    return Finding(
        Verdict.FAIL,
        f"spool: {pluralize(count, 'file')} can't be read, left in the spool",
        "Run `flask --app app spool`, which lists them, and find out what changed them. Keep the "
        "files outside the spool: each contains a callback, which is in the ledger only if Twilio "
        "sent it again.",
    )


def _check_refused(count: int) -> Finding:
    return Finding(
        Verdict.FAIL,
        f"spool: {pluralize(count, 'file')} refused, because nothing proves that this service "
        "wrote the content",
        "Run `flask --app app spool`, which lists them. If all keys were rotated at once, set the "
        "old token beside the new one (TWILIO_AUTH_TOKEN=old,new) and restart the web process, "
        "which moves them then. Otherwise somebody else has put them there: move them elsewhere, "
        "and find out who can write to SPOOL_DIR.",
    )


def _check_waiting(spool: Spool, files: list[SpooledFile]) -> Finding:
    durability = "durable" if spool.durable else "not durable"
    text = f"spool: {durability}, {pluralize(len(files), 'file')} waiting"
    age_seconds = time.time() - files[0].written_at if files else 0.0
    if age_seconds > MAX_WAIT_SECONDS:
        is_stuck = age_seconds > STUCK_MINUTES * 60
        age = f"{STUCK_MINUTES} minutes" if is_stuck else f"{MAX_WAIT_SECONDS:g} s"
        return Finding(
            Verdict.FAIL if is_stuck else Verdict.WARN,
            f"{text}, the oldest for more than {age}",
            "When the database is available again, check that the web process is running: it moves "
            "them into the ledger. If files stay, run `flask --app app spool --drain`, which "
            "prints the reason.",
        )

    return Finding(Verdict.OK, text)
