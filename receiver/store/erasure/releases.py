"""Checks that no process of an earlier release is connected, which knows nothing of erasures.

It would store a late callback of an erased job in full. Each process names its sessions after the
schema that its code needs.
"""

from sqlalchemy import Connection, text

from receiver.runtime.errors import SafeMessageError
from receiver.store.schema import APPLICATION_NAME, FIRST_SCHEMA_WITH_ERASURE

# Earlier releases named their sessions without a version. A session with a name that the operator
# chose says nothing.
_EARLIER = text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database()
  AND split_part(application_name, '/', 1) = :name
  AND COALESCE(NULLIF(split_part(application_name, '/', 2), ''), '0000') < :first
""")


class EarlierReleaseError(SafeMessageError):
    """Processes of an earlier release are connected to the database."""


def check_releases(connection: Connection) -> None:
    """Raise EarlierReleaseError if an earlier release could undo an erasure."""
    parameters = {"name": APPLICATION_NAME, "first": FIRST_SCHEMA_WITH_ERASURE}
    count = connection.execute(_EARLIER, parameters).scalar_one()
    if count:
        raise EarlierReleaseError(
            f"{count} connections belong to an earlier release, which would store late callbacks "
            "of erased jobs. Wait until its processes have ended, then try again"
        )
