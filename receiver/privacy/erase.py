"""Erases a job, the jobs of a participant's address, or those of a conversation."""

from collections import Counter
from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, Engine

from receiver.privacy.erasure import Erasure
from receiver.privacy.mentions import erase_mentions
from receiver.privacy.spool import remove_from_spool
from receiver.privacy.target import Target
from receiver.runtime.errors import ReceiverError
from receiver.spool.folder import Spool
from receiver.store.clock import database_now
from receiver.store.engine import transactional
from receiver.store.erasure import matching
from receiver.store.erasure.receipts import Receipt, Requester, complete, open_receipt
from receiver.store.erasure.releases import check_releases
from receiver.store.erasure.tombstones import add_tombstones, read_key, tombstone_key

Report = Callable[[str, int], None]


class UnknownJobError(ReceiverError):
    """No job has this id, and no quarantined callback claims it."""


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
    the number of rows that were searched there.

    Raises UnknownJobError, store.erasure.releases.EarlierReleaseError, or sqlalchemy's and the
    spool's errors; what is erased until then stays erased.
    """
    erasure = _begin(engine, target, requester)
    erasure.wait_for_writers()
    for job_id in erasure.query(_jobs_of, target, erasure):
        erasure.erase_job(job_id)
    erase_mentions(erasure, target, report)
    # While a job was found, a callback that names it may have been quarantined, and Twilio may have
    # accepted its recording again.
    erasure.wait_for_writers()
    for job_id in erasure.query(matching.same_recordings, sorted(erasure.job_ids)):
        erasure.erase_job(job_id)
    if spool is not None:
        erasure.count(Counter(spool_files=remove_from_spool(spool, target, erasure)))

    return erasure.query(complete, erasure.receipt_id)


def _begin(engine: Engine, target: Target, requester: Requester) -> Erasure:
    """Commit the receipt and the tombstones; from then on, nothing of the target is stored."""
    with transactional(engine).begin() as connection:
        check_releases(connection)
        key, at = read_key(connection), database_now(connection)
        keys = {tombstone_key(target.kind, target.value, key)}
        if target.kind == "job":
            if not matching.is_known(connection, target.value, account_id=requester.account_id):
                raise UnknownJobError(target.value)
            same = matching.same_recordings(connection, [target.value])
            keys |= {tombstone_key("job", job_id, key) for job_id in same}
        receipt = open_receipt(
            connection, target.kind, tombstone_key(target.kind, target.value, key), requester
        )
        add_tombstones(connection, sorted(keys), at, receipt.id)

    return Erasure(engine, receipt.id, at)


def _jobs_of(connection: Connection, target: Target, erasure: Erasure) -> list[str]:
    if target.kind == "job":
        return matching.same_recordings(connection, [target.value])
    condition: ColumnElement[bool] = (
        matching.with_address(target.value)
        if target.kind == "address"
        else matching.in_conversation(target.value)
    )

    return list(matching.unerased_jobs(connection, condition, began_before=erasure.at))
