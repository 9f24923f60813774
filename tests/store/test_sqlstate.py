"""Tests of the causes of errors: every SQLSTATE of Postgres, and every error of the driver."""

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from receiver.store.jsonb import UnencodableError
from receiver.store.sqlstate import Cause, cause_of

_ERRORS = [each for each in vars(errors).values() if isinstance(each, type)]
_DRIVER_ERRORS = [each for each in _ERRORS if issubclass(each, psycopg.Error)]
STATES = sorted(each.sqlstate for each in _DRIVER_ERRORS if each.sqlstate)
ERRORS_WITHOUT_STATE = [each for each in _DRIVER_ERRORS if not each.sqlstate]
# What isn't the cause of its class.
EXCEPTIONS = {"2200H": Cause.STORE, "55P03": Cause.LOCK}
REFUSALS = {"DataError", "IntegrityError", "NotSupportedError", "ProgrammingError"}


def _cause(engine: Engine, statement: str) -> Cause:
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.exec_driver_sql(statement)

    return cause_of(caught.value)


def _raise(state: str, **options: str) -> str:
    given = {"errcode": state, **options}
    using = ", ".join(f"{name} = '{value}'" for name, value in given.items())

    return f"DO $$ BEGIN RAISE EXCEPTION USING {using}; END $$"


def test_only_classes_22_and_23_are_the_values_fault(migrated: str) -> None:
    """Of all states that Postgres can raise, only classes 22 and 23 are the values' fault."""
    causes = {}
    with psycopg.connect(migrated, autocommit=True) as connection:
        for state in STATES:
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(_raise(state))
            assert caught.value.sqlstate == state
            causes[state] = cause_of(caught.value)
    expected = {
        state: Cause.VALUES if state[:2] in {"22", "23"} else Cause.STORE for state in STATES
    }
    assert causes == expected | EXCEPTIONS


@pytest.mark.parametrize(
    ("constraint", "cause"),
    [
        ("events_sha256_key", Cause.DUPLICATE),
        ("events_pkey", Cause.TAKEN_ID),
        ("rejected_pkey", Cause.TAKEN_ID),
        ("passes_pkey", Cause.TAKEN_ID),
        ("somebodys_index", Cause.VALUES),
    ],
)
def test_unique_violation_is_judged_by_its_constraint(
    engine: Engine, constraint: str, cause: Cause
) -> None:
    """A unique violation is a duplicate only if the digest's constraint is violated."""
    assert _cause(engine, _raise("23505", constraint=constraint)) is cause


def test_lock_timeout_is_a_lock(engine: Engine) -> None:
    """A lock that isn't available in time is a cause of its own."""
    with engine.connect() as holder, holder.begin(), engine.connect() as connection:
        holder.execute(text("BEGIN; LOCK TABLE events"))
        connection.execute(text("SET lock_timeout = '1ms'"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text("SELECT 1 FROM events"))
        connection.invalidate()
        holder.execute(text("ROLLBACK"))
    assert cause_of(caught.value) is Cause.LOCK


@pytest.mark.parametrize("kind", ERRORS_WITHOUT_STATE, ids=lambda kind: kind.__name__)
def test_error_of_the_driver_is_never_the_values_fault(kind: type[psycopg.Error]) -> None:
    """An error without a state is the connection's fault, or our use of the driver's."""
    is_refusal = any(base.__name__ in REFUSALS for base in kind.__mro__)
    assert cause_of(kind("no state")) is (Cause.PROGRAM if is_refusal else Cause.STORE)


def test_values_without_an_encoding_are_the_values_fault() -> None:
    """Values that have no encoding are at fault on every connection."""
    assert cause_of(UnencodableError("TypeError")) is Cause.VALUES


def test_waiting_for_the_pool_is_the_stores_fault() -> None:
    """A pool without a free connection is a transient fault."""
    assert cause_of(PoolTimeoutError()) is Cause.STORE


def test_error_of_our_own_is_the_programs_fault() -> None:
    """An error that is neither the database's nor the driver's is a fault of our code."""
    assert cause_of(ZeroDivisionError()) is Cause.PROGRAM
