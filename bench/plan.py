"""How much is measured: everything, or a short form for daily use."""

from dataclasses import dataclass
from pathlib import Path

from bench.load.requests import Load
from dev.postgres import Server

CONNECTIONS = 32
WORKERS = 2
FEW_CONNECTIONS = 8  # where the rate isn't measured
BODY_BYTES = 8000  # of an ordinary callback


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured, how often and for how long, and the values of what varies."""

    measurements: tuple[str, ...]
    rounds: int  # of the comparison with the peers
    repeats: int  # of each other measurement
    seconds: float  # of one run
    warm_up: float  # seconds of load before a service is measured
    limit: float  # seconds for everything; one measurement may take a third
    callbacks: int  # prepared in advance: enough for one run of the fastest contestant
    connections: tuple[int, ...]
    workers: tuple[int, ...]
    sizes: tuple[int, ...]
    jobs: tuple[int, ...]
    endurance: int  # callbacks until the last reading of a worker's memory


_SHORT = ("callbacks", "latency", "sizes", "jobs", "trips", "wal")
WHOLE = Plan(
    measurements=(*_SHORT, "lists", "footprint", "scaling", "half_core"),
    rounds=5,
    repeats=3,
    seconds=3,
    warm_up=1,
    limit=1080,
    callbacks=20_000,
    connections=(1, 2, 4, 8, 16, 32, 64),
    workers=(1, 2, 3, 4),
    sizes=(1000, 8000, 64_000, 256_000, 1_000_000),
    jobs=(10_000, 100_000, 1_000_000),
    endurance=100_000,
)
QUICK = Plan(
    measurements=_SHORT,
    rounds=2,
    repeats=2,
    seconds=1.5,
    warm_up=0.5,
    limit=300,
    callbacks=6000,
    connections=(1, 8, 32),
    workers=(1, 2),
    sizes=(1000, 8000, 1_000_000),
    jobs=(10_000, 100_000),
    endurance=5000,
)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The input of every measurement."""

    plan: Plan
    server: Server
    folder: Path  # for temporary files
    load: Load  # ordinary callbacks, all different
