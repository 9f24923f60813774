"""How much is measured: the whole of it, or a short form for every day."""

from dataclasses import dataclass
from pathlib import Path

from bench.load.requests import Load
from dev.postgres import Server

CONNECTIONS = 32
WORKERS = 2
FEW = 8  # connections, where the rate isn't what is measured
SIZE = 8000  # bytes of an ordinary callback


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured, how often and how long each time, and the sizes of what grows."""

    measurements: tuple[str, ...]
    # Of the comparison with the peers, and of each of the others.
    rounds: int
    repeats: int
    seconds: float
    # What a service is sent before it is measured, in seconds.
    warm_up: float
    # Seconds for all of it; no measurement may take more than a third.
    limit: float
    # Callbacks that are made in advance: enough for the fastest to be busy for one run.
    callbacks: int
    connections: tuple[int, ...]
    workers: tuple[int, ...]
    sizes: tuple[int, ...]
    jobs: tuple[int, ...]
    # How many callbacks a worker takes before its memory is looked at again.
    endurance: int


_SHORT = ("callbacks", "latency", "sizes", "jobs", "trips", "wal")
WHOLE = Plan(
    measurements=(*_SHORT, "lists", "footprint", "scaling"),
    rounds=5,
    repeats=3,
    seconds=3,
    warm_up=1,
    limit=900,
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
    """What every measurement is handed."""

    plan: Plan
    server: Server
    # Where to write; it's gone afterwards.
    folder: Path
    # Ordinary callbacks, no two alike.
    load: Load
