"""Shows what an erasure will find, before anybody confirms it."""

from receiver.cli.output import echo
from receiver.privacy.erase import unheld_jobs
from receiver.privacy.target import Target
from receiver.services import services
from receiver.store.clock import database_now
from receiver.store.erasure.preview import Preview, copies_elsewhere, preview


def show_preview(target: Target) -> tuple[Preview, list[str]]:
    """Print what will be erased; return it, and where copies of it are that stay.

    A target on hold is refused first, so that nobody deletes its copies elsewhere. Raises
    receiver.privacy.erase.HeldError.
    """
    with services().engine.connect() as connection:
        unheld_jobs(connection, target, database_now(connection))
        found = preview(connection, target.kind, target.value)
        copies = copies_elsewhere(connection, target.kind, target.value)
    _print(target, found)

    return found, copies


def _print(target: Target, found: Preview) -> None:
    echo(
        f"{found.jobs:>8}  jobs to erase{_period(found)}",
        f"{found.events:>8}  callbacks and responses of Twilio about them",
        f"{found.bodies:>8}  bodies of these",
        err=True,
    )
    if not found.jobs and target.kind != "job":
        echo(
            f"No job has this {target.kind} now: check it. If you erase it all the same, jobs that "
            "began before are erased when their callbacks arrive.",
            err=True,
        )
    searched = "the quarantine, the rejected requests and this machine's spool"
    if target.kind != "job":
        searched = f"the ledger, the submissions, {searched}"
    echo(f"Also searched when you confirm: {searched}.", err=True)


def _period(found: Preview) -> str:
    """Return when the jobs began, which a caller can confirm."""
    if found.first_at is None or found.last_at is None:
        return ""
    first, last = f"{found.first_at:%Y-%m-%d}", f"{found.last_at:%Y-%m-%d}"

    return f", of {first}" if first == last else f", from {first} to {last}"
