"""Removes callbacks of erased jobs from this machine's spool."""

from receiver.events.validate import validate_document
from receiver.privacy.erasure import Erasure
from receiver.privacy.target import Target
from receiver.spool.errors import UnusableFileError
from receiver.spool.folder import Spool
from receiver.store.erasure.batches import Report
from receiver.store.erasure.claims import is_on_hold
from receiver.store.erasure.search import Needle
from receiver.store.erasure.tombstones import is_kept_out
from receiver.store.event import Event


def remove_from_spool(spool: Spool, target: Target, erasure: Erasure, report: Report) -> int:
    """Remove the files of the target and of the erased jobs; return their number.

    A file that another process moves into the ledger now is erased there. A damaged or refused file
    stays, because its content proves nothing; `spool` lists such files.
    """
    removed, needle = 0, Needle.of_text(target.value)
    for file in spool.list_files():
        report("spool", 1)
        try:
            claimed = spool.claim(file.name)
        except UnusableFileError:
            continue
        if claimed is None:
            continue
        with claimed:
            if (
                claimed.event.received_at < erasure.at
                and _is_concerned(claimed.event, target, needle, erasure)
                and not erasure.query(is_on_hold, claimed.event)
            ):
                claimed.remove()
                removed += 1

    return removed


def _is_concerned(event: Event, target: Target, needle: Needle, erasure: Erasure) -> bool:
    """Return whether the callback is of an erased job, or of the address or conversation."""
    validated = validate_document(event)
    head = validated.head
    # A callback of another account that names the job may be kept.
    if validated.job_id in erasure.job_ids and erasure.query(is_kept_out, validated):
        return True
    if head is None:  # it would be quarantined: nothing proves its form
        return needle.is_in(event.body)
    if target.kind == "address":
        return any(
            isinstance(participant, dict) and participant.get("address") == target.value
            for participant in head["participants"] or ()
        )

    return target.kind == "conversation" and head["conversation_id"] == target.value
