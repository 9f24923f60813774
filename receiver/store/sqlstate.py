"""The cause of a database error, by its SQLSTATE.

The source is the appendix "PostgreSQL Error Codes" of the documentation of Postgres 18.
"""

import enum

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from receiver.store.identity import IDENTITY_KEYS
from receiver.store.jsonb import UnencodableError

DIGEST_KEY = "events_sha256_key"  # the constraint that a digest occurs once in the ledger

READ_ONLY = "25006"  # read_only_sql_transaction
# feature_not_supported: "cached plan must not change result type". A migration changed the type of
# a column that a prepared statement returns. Only this connection's statement is stale.
STALE_PLAN = "0A000"
# undefined_table: the connection may have a search_path that was corrected since.
UNDEFINED_TABLE = "42P01"
LOCK_NOT_AVAILABLE = "55P03"
PROGRAM_LIMIT_EXCEEDED = "54000"
QUERY_CANCELED = "57014"
_UNIQUE_VIOLATION = "23505"
_SEQUENCE_EXHAUSTED = "2200H"


class Cause(enum.Enum):
    """What has to change before the statement can succeed."""

    VALUES = enum.auto()  # the values of the statement: a retry can't help
    DUPLICATE = enum.auto()  # the event's digest is in the ledger already
    TAKEN_ID = enum.auto()  # an identity column's sequence lags behind its rows
    LOCK = enum.auto()  # another transaction holds a lock for too long
    PROGRAM = enum.auto()  # our use of the driver, or the driver itself: a retry can't help
    STORE = enum.auto()  # the server, the connection or the schema: a retry may help


# The classes of states whose cause is the values: data exceptions, and violated constraints. The
# cause of all others is the store. So it is of class 54, program limit exceeded: validation keeps
# values below the limits, and a server that is close to a wraparound of transaction ids reports
# this class for every write.
_CLASSES_OF_VALUES = {"22", "23"}
# States whose cause isn't that of their class.
_STATES = {
    _SEQUENCE_EXHAUSTED: Cause.STORE,
    LOCK_NOT_AVAILABLE: Cause.LOCK,
}
# Errors without a state, which the driver raised itself. It refuses statements and parameters with
# these, and can't load a result; any other is a failed connection.
_DRIVER_FAULTS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.NotSupportedError,
    psycopg.ProgrammingError,
)


def state_of(error: DBAPIError) -> str | None:
    """Return the SQLSTATE of an error; None if the driver raised it itself."""
    state: str | None = getattr(error.orig, "sqlstate", None)

    return state


def cause_of(error: BaseException) -> Cause:
    """Return the cause of an error of SQLAlchemy or the driver; PROGRAM for any other error."""
    if isinstance(error, PoolTimeoutError):
        return Cause.STORE
    if isinstance(error, UnencodableError):
        return Cause.VALUES
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.Error):
        return Cause.PROGRAM
    state = cause.sqlstate
    if state is None:
        return Cause.PROGRAM if isinstance(cause, _DRIVER_FAULTS) else Cause.STORE
    if state == _UNIQUE_VIOLATION:
        return _cause_of_duplicate(cause.diag.constraint_name)

    of_class = Cause.VALUES if state[:2] in _CLASSES_OF_VALUES else Cause.STORE

    return _STATES.get(state, of_class)


def is_unique_violation(error: DBAPIError) -> bool:
    """Return whether some unique index refused the row."""
    return state_of(error) == _UNIQUE_VIOLATION


def _cause_of_duplicate(constraint: str | None) -> Cause:
    if constraint == DIGEST_KEY:
        return Cause.DUPLICATE

    return Cause.TAKEN_ID if constraint in IDENTITY_KEYS else Cause.VALUES
