"""Erases again what a restored backup has brought back."""

from sqlalchemy import Engine

from receiver.privacy.erasure import Erasure, Limits
from receiver.store.clock import database_now
from receiver.store.engine import transactional
from receiver.store.erasure.batches import Report
from receiver.store.erasure.receipts import Receipt, Requester, complete, open_receipt
from receiver.store.erasure.redact import OF_OWNER, Extent
from receiver.store.erasure.releases import check_releases
from receiver.store.erasure.restored import HashedTombstones, erased_events, erased_jobs
from receiver.store.erasure.tombstones import parse_job_key

KIND = "reapply"


def reapply(engine: Engine, requester: Requester, *, report: Report) -> Receipt:
    """Erase everything that a tombstone of an erasure matches; return the receipt.

    An address or a conversation is known by its hash only, so it is found where it is a whole
    string of JSON. After an interruption, a second call continues. `report` is called with a place
    and the number of rows that were compared there. Raises what `erase.erase` raises.
    """
    with transactional(engine).begin() as connection:
        check_releases(connection)
        receipt = open_receipt(connection, KIND, KIND, requester)
        at = database_now(connection)
    erasure = Erasure(engine, receipt.id, at, Limits())
    # What was written before the tombstones were restored may have to be erased too.
    erasure.wait_for_writers()
    for tombstone in erased_jobs(engine, report):
        job_id, account_id = parse_job_key(tombstone.key)
        erasure.erase_job_as_of(job_id, tombstone.erased_at, Extent(account_id))
    for event_id in erased_events(engine, report):
        erasure.redact_event(event_id)
    _erase_hashed(erasure, report)

    return erasure.query(complete, erasure.receipt_id)


def _erase_hashed(erasure: Erasure, report: Report) -> None:
    tombstones = HashedTombstones(erasure.engine)
    for source in ("transcriptions", "ledger"):
        for found in tombstones.find(source, report):
            if found.job_id not in erasure.job_ids:
                erasure.erase_job_as_of(str(found.job_id), found.erased_at, OF_OWNER)
    for found in tombstones.find("quarantine", report):
        erasure.redact_event(found.key)
    for found in tombstones.find("submissions", report):
        erasure.redact_submission(found.key, is_key_personal=False)
    for found in tombstones.find("rejected requests", report):
        erasure.remove_rejected(found.key)
