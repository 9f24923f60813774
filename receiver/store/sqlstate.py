"""The cause of a database error: one table of all SQLSTATE classes of Postgres 18.

The source is the appendix "PostgreSQL Error Codes" of the documentation of Postgres.
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


CLASSES = {
    "00": Cause.STORE,  # successful completion
    "01": Cause.STORE,  # warning
    "02": Cause.STORE,  # no data
    "03": Cause.STORE,  # SQL statement not yet complete
    "08": Cause.STORE,  # connection exception
    "09": Cause.STORE,  # triggered action exception
    "0A": Cause.STORE,  # feature not supported
    "0B": Cause.STORE,  # invalid transaction initiation
    "0F": Cause.STORE,  # locator exception
    "0L": Cause.STORE,  # invalid grantor
    "0P": Cause.STORE,  # invalid role specification
    "0Z": Cause.STORE,  # diagnostics exception
    "10": Cause.STORE,  # XQuery error
    "20": Cause.STORE,  # case not found
    "21": Cause.STORE,  # cardinality violation
    "22": Cause.VALUES,  # data exception
    "23": Cause.VALUES,  # integrity constraint violation
    "24": Cause.STORE,  # invalid cursor state
    "25": Cause.STORE,  # invalid transaction state
    "26": Cause.STORE,  # invalid SQL statement name
    "27": Cause.STORE,  # triggered data change violation
    "28": Cause.STORE,  # invalid authorization specification
    "2B": Cause.STORE,  # dependent privilege descriptors still exist
    "2D": Cause.STORE,  # invalid transaction termination
    "2F": Cause.STORE,  # SQL routine exception
    "34": Cause.STORE,  # invalid cursor name
    "38": Cause.STORE,  # external routine exception
    "39": Cause.STORE,  # external routine invocation exception
    "3B": Cause.STORE,  # savepoint exception
    "3D": Cause.STORE,  # invalid catalog name
    "3F": Cause.STORE,  # invalid schema name
    "40": Cause.STORE,  # transaction rollback
    "42": Cause.STORE,  # syntax error or access rule violation: for example not migrated yet
    "44": Cause.STORE,  # WITH CHECK OPTION violation
    "53": Cause.STORE,  # insufficient resources: disk, memory, connections
    # Program limit exceeded. Validation keeps values below the limits, and a server that is close
    # to a wraparound of transaction ids reports this class for every write.
    "54": Cause.STORE,
    "55": Cause.STORE,  # object not in prerequisite state
    "57": Cause.STORE,  # operator intervention
    "58": Cause.STORE,  # system error
    "72": Cause.STORE,  # snapshot failure
    "F0": Cause.STORE,  # configuration file error
    "HV": Cause.STORE,  # foreign data wrapper error
    "P0": Cause.STORE,  # PL/pgSQL error: for example of someone's trigger
    "XX": Cause.STORE,  # internal error
}
# States whose cause isn't that of their class.
STATES = {
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

    return STATES.get(state) or CLASSES.get(state[:2], Cause.STORE)


def is_unique_violation(error: DBAPIError) -> bool:
    """Return whether some unique index refused the row."""
    return getattr(error.orig, "sqlstate", None) == _UNIQUE_VIOLATION


def _cause_of_duplicate(constraint: str | None) -> Cause:
    if constraint == DIGEST_KEY:
        return Cause.DUPLICATE

    return Cause.TAKEN_ID if constraint in IDENTITY_KEYS else Cause.VALUES
