"""The short and the long profile of the fault tests, and their connections to Postgres."""

from dataclasses import dataclass

import pytest

# Tests that run only in the long profile.
LONG_ONLY = pytest.mark.long

# Tests with PgBouncer run in the long profile, and in the short one where it matters most.
DIRECT_AND_POOLED = pytest.mark.parametrize("deployment", ["direct", "pgbouncer"], indirect=True)
POOLED_IN_LONG_PROFILE = pytest.mark.parametrize(
    "deployment", ["direct", pytest.param("pgbouncer", marks=LONG_ONLY)], indirect=True
)


@dataclass(frozen=True)
class Profile:
    """The size of the scenarios: short for every test run, long for releases."""

    callbacks_per_second: int  # of a steady load
    outage_seconds: float
    long_outage_seconds: float
    kill_count: int  # of workers
    release_count: int  # one after another
    erasure_seconds: float  # of erasures at random under load
    idle_seconds: float  # before an attack, and after it
    attack_seconds: float
    row_count: int  # of jobs for an attack by costly reads
    is_bound_checked: bool  # whether the time of callbacks during an attack is asserted


SHORT = Profile(
    callbacks_per_second=40,
    outage_seconds=1,
    long_outage_seconds=7,
    kill_count=3,
    release_count=1,
    erasure_seconds=6,
    idle_seconds=1,
    attack_seconds=2.5,
    row_count=100_000,
    is_bound_checked=False,
)
LONG = Profile(
    callbacks_per_second=60,
    outage_seconds=5,
    long_outage_seconds=600,
    kill_count=20,
    release_count=10,
    erasure_seconds=300,
    idle_seconds=5,
    attack_seconds=15,
    row_count=1_000_000,
    is_bound_checked=True,
)
