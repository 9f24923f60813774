"""The short form and the long one, and the ways between the service and Postgres."""

from dataclasses import dataclass

import pytest

# What runs in the long form alone.
LONG_ONLY = pytest.mark.long

# PgBouncer is in the long form; in the short one where its own behaviour matters most.
BOTH_WAYS = pytest.mark.parametrize("deployment", ["direct", "pgbouncer"], indirect=True)
BOTH_WAYS_AT_LENGTH = pytest.mark.parametrize(
    "deployment", ["direct", pytest.param("pgbouncer", marks=LONG_ONLY)], indirect=True
)


@dataclass(frozen=True)
class Form:
    """How much of it: the short form is part of the suite, the long one is for the record."""

    rate: int  # callbacks per second of a steady load
    away: float  # seconds that Postgres is away for once
    outage: float  # seconds that it is away for long
    kills: int  # of workers
    releases: int  # that replace one another


SHORT = Form(rate=40, away=1, outage=7, kills=3, releases=1)
LONG = Form(rate=60, away=5, outage=600, kills=20, releases=10)
