"""The rate of signed callbacks, compared with the peers, Postgres alone, and empty handlers."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from bench import pgbench
from bench.burst import burst
from bench.contestants import (
    FASTAPI,
    NOTHING,
    NOTHING_ASYNCIO,
    OURS,
    TUTORIAL_SYNC,
    TUTORIAL_THREADS,
    Contestant,
)
from bench.database import Database
from bench.plan import CONNECTIONS, WORKERS, Bench
from bench.progress import count_rounds
from bench.report import Figure, Section, faster, ratio
from bench.service import Running, prepare_database, serving

_PROTOCOLS: tuple[pgbench.Protocol, ...] = ("prepared", "extended", "simple")
_CONTESTANTS = (OURS, TUTORIAL_SYNC, TUTORIAL_THREADS, FASTAPI, NOTHING, NOTHING_ASYNCIO)


@dataclass(frozen=True, kw_only=True)
class BurstResult:
    """The rate of one burst in callbacks per second, and the CPU time of one callback in ms."""

    rate: float
    web: float
    postgres: float


def measure(bench: Bench) -> Section:
    """Run all contestants in each round, with empty tables; the order rotates by round."""
    results: dict[str, list[BurstResult]] = {}
    postgres_alone: dict[str, list[float]] = {}
    with ExitStack() as stack:
        services = [stack.enter_context(_serving(bench, each)) for each in _CONTESTANTS]
        database = prepare_database(OURS, bench.server, name="pgbench")
        for _ in count_rounds(bench.plan.rounds):
            for service in services:
                results.setdefault(service.contestant.name, []).append(
                    _measure_burst(bench, service)
                )
            for protocol in _PROTOCOLS:
                rate = _measure_postgres(bench, database, protocol)
                postgres_alone.setdefault(f"pgbench, {protocol}", []).append(rate)
            services.append(services.pop(0))

    return _section(results, postgres_alone)


def _section(
    results: dict[str, list[BurstResult]], postgres_alone: dict[str, list[float]]
) -> Section:
    rates = {
        name: [each.rate for each in rounds] for name, rounds in results.items()
    } | postgres_alone
    ours = rates[OURS.name]
    tutorial = faster(rates, TUTORIAL_SYNC.name, TUTORIAL_THREADS.name)
    fastapi = FASTAPI.name
    web = {name: [each.web for each in rounds] for name, rounds in results.items()}
    postgres = {
        each.name: [item.postgres for item in results[each.name]]
        for each in _CONTESTANTS
        if each.tables
    }

    return Section(
        title=f"Callbacks of 8 kB, {CONNECTIONS} connections, {WORKERS} workers",
        ratios=[
            ratio(f"ours : {tutorial}", ours, rates[tutorial], at_least=4),
            ratio(f"ours : {fastapi}", ours, rates[fastapi], at_least=1.1),
            ratio("ours : pgbench, prepared", ours, rates["pgbench, prepared"], at_least=0.6),
            ratio("ours : pgbench, extended", ours, rates["pgbench, extended"]),
            ratio("ours : nothing, gunicorn", ours, rates[NOTHING.name]),
            ratio(f"web CPU, ours : {tutorial}", web[OURS.name], web[tutorial]),
            ratio(f"web CPU, ours : {fastapi}", web[OURS.name], web[fastapi]),
            ratio(f"Postgres CPU, ours : {fastapi}", postgres[OURS.name], postgres[fastapi]),
        ],
        figures=[
            *(Figure(name=name, unit="1/s", rounds=each) for name, each in rates.items()),
            *(Figure(name=f"web CPU, {name}", unit="ms", rounds=web[name]) for name in web),
            *(
                Figure(name=f"Postgres CPU, {name}", unit="ms", rounds=each)
                for name, each in postgres.items()
            ),
        ],
        note="The tutorial is compared with the worker class that serves it better.",
    )


def _serving(bench: Bench, contestant: Contestant) -> AbstractContextManager[Running]:
    name = contestant.name
    database = prepare_database(contestant, bench.server, name=name) if contestant.tables else None

    return serving(contestant, database, bench.folder, workers=WORKERS)


def _measure_burst(bench: Bench, service: Running) -> BurstResult:
    """Warm the service up, then measure one burst."""
    burst(service, bench.load, seconds=bench.plan.warm_up)
    run, spent = burst(service, bench.load, seconds=bench.plan.seconds)
    ms_per_callback = 1000 / run.answered

    return BurstResult(
        rate=run.rate, web=spent.web * ms_per_callback, postgres=spent.postgres * ms_per_callback
    )


def _measure_postgres(bench: Bench, database: Database, protocol: pgbench.Protocol) -> float:
    database.clear(*OURS.tables)

    return pgbench.run(database, bench.folder, seconds=bench.plan.seconds, protocol=protocol)
