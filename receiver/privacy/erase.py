"""Erases a job, the jobs of a participant's address, or those of a conversation."""

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, Engine

from receiver.privacy.erasure import Erasure, Limits
from receiver.privacy.mentions import erase_mentions
from receiver.privacy.spool import remove_from_spool
from receiver.privacy.target import Target
from receiver.runtime.errors import ReceiverError, SafeMessageError
from receiver.spool.folder import Spool
from receiver.store.clock import database_now
from receiver.store.engine import transactional
from receiver.store.erasure import matching
from receiver.store.erasure.batches import Report
from receiver.store.erasure.holds import find_hold, lock_holds
from receiver.store.erasure.receipts import Receipt, Requester, complete, open_receipt
from receiver.store.erasure.redact import OF_OWNER, Extent
from receiver.store.erasure.releases import check_releases
from receiver.store.erasure.tombstones import add_tombstones, job_key, read_key, tombstone_key
from receiver.store.retry import retry_until

_CHUNK_JOBS = 1000  # how many one statement looks for


class UnknownJobError(ReceiverError):
    """No job has or had this id, and no quarantined callback names it."""


class HeldError(SafeMessageError):
    """A legal hold forbids erasing the target."""

    def __init__(self, hold: str) -> None:
        super().__init__(f"the hold {hold!r} forbids erasing this")
        self.hold = hold


def erase(
    engine: Engine,
    target: Target,
    requester: Requester,
    *,
    spool: Spool | None,
    report: Report = lambda _place, _rows: None,
) -> Receipt:
    """Erase the target from the database and from this machine's spool; return the receipt.

    After an interruption, a second call continues with the same receipt. An address or a
    conversation concerns the jobs that began before this call. `report` is called with a place and
    the number of rows that were processed there.

    Raises UnknownJobError, HeldError, EarlierReleaseError, UnfinishedWriteError, or sqlalchemy's
    and the spool's errors; what is erased until then stays erased.
    """
    erasure = _begin(engine, target, requester, Limits())
    erasure.wait_for_writers()
    for job_id in erasure.query(_jobs_of, target, erasure.at):
        erasure.erase_job(job_id)
        report("jobs", 1)
    # Before the quarantine is searched: an unreadable file that is moved now is found there.
    _clean_spool(erasure, target, spool, report)
    erasure.wait_for_writers()
    erase_mentions(erasure, target, report)
    _erase_again(erasure)
    _clean_spool(erasure, target, spool, report)  # now all jobs are known

    return erasure.query(complete, erasure.receipt_id)


def erase_by_id(engine: Engine, job_id: str, requester: Requester, limits: Limits) -> Receipt:
    """Erase a job, in a time that doesn't depend on what else is stored; return the receipt.

    Unlike `erase`, this leaves the spool to its drain, which stores nothing of an erased job. Nor
    does it search bodies that contain no readable id. It raises what `erase` raises.
    """
    target = Target("job", job_id)
    erasure = _begin(engine, target, requester, limits)
    erasure.wait_for_writers()
    for each in erasure.query(_jobs_of, target, erasure.at):
        erasure.erase_job(each)
    # Twilio may have accepted the recording again, before its submission was redacted.
    for each in sorted(set(erasure.query(_jobs_of, target, erasure.at)) - erasure.job_ids):
        erasure.erase_job(each)

    return erasure.query(complete, erasure.receipt_id)


def unheld_jobs(connection: Connection, target: Target, at: datetime) -> list[str]:
    """Return the ids of the target's jobs that began before this time.

    Raises HeldError if one of them, or the address, is on hold.
    """
    job_ids = _jobs_of(connection, target, at)
    addresses = [target.value] if target.kind == "address" else []
    if hold := find_hold(connection, job_ids=job_ids, addresses=addresses):
        raise HeldError(hold)

    return job_ids


def _begin(engine: Engine, target: Target, requester: Requester, limits: Limits) -> Erasure:
    """Commit the receipt and the tombstones; from then on, nothing of the target is stored."""

    def begin() -> tuple[int, datetime]:
        with transactional(engine).begin() as connection:
            return _commit_tombstones(connection, target, requester)

    with limits.hold_connection():
        receipt_id, at = retry_until(limits.step_deadline(), begin)

    extent = Extent(requester.account_id) if target.kind == "job" else OF_OWNER

    return Erasure(engine, receipt_id, at, limits, extent)


def _commit_tombstones(
    connection: Connection, target: Target, requester: Requester
) -> tuple[int, datetime]:
    """Return the id of the receipt, and since when the target is erased."""
    check_releases(connection)
    if target.kind == "job" and not matching.is_known(
        connection, target.value, account_id=requester.account_id
    ):
        raise UnknownJobError(target.value)
    lock_holds(connection)
    key, at = read_key(connection), database_now(connection)
    job_ids = unheld_jobs(connection, target, at)
    if target.kind == "job":
        target_key = job_key(target.value, requester.account_id)
        keys = {job_key(job_id, requester.account_id) for job_id in job_ids}
    else:
        target_key = tombstone_key(target.kind, target.value, key)
        keys = {target_key}
    receipt = open_receipt(connection, target.kind, target_key, requester)
    add_tombstones(connection, sorted(keys), at, receipt.id)

    return receipt.id, at


def _clean_spool(erasure: Erasure, target: Target, spool: Spool | None, report: Report) -> None:
    if spool is not None:
        removed = remove_from_spool(spool, target, erasure, report)
        erasure.count(Counter(spool_files=removed))


def _erase_again(erasure: Erasure) -> None:
    """Erase what was stored about a job between its discovery and its tombstone.

    A callback that names it may have been quarantined or rejected, and Twilio may have accepted its
    recording again.
    """
    erasure.wait_for_writers()
    found = sorted(erasure.job_ids)
    for start in range(0, len(found), _CHUNK_JOBS):
        job_ids = found[start : start + _CHUNK_JOBS]
        others = set(erasure.query(matching.same_recordings, job_ids)) - erasure.job_ids
        for job_id in sorted(others | set(erasure.query(matching.with_remains, job_ids))):
            erasure.erase_job(job_id)


def _jobs_of(connection: Connection, target: Target, at: datetime) -> list[str]:
    if target.kind == "job":
        return matching.same_recordings(connection, [target.value])

    return list(
        matching.unerased_jobs(
            connection, matching.is_of(target.kind, target.value), began_before=at
        )
    )
