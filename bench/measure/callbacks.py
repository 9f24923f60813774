"""How fast signed callbacks are taken in, beside the peers, Postgres alone, and nothing at all."""

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
from bench.progress import counted
from bench.report import Figure, Section, faster, ratio
from bench.service import Running, prepared, serving

_PROTOCOLS: tuple[pgbench.Protocol, ...] = ("prepared", "extended", "simple")
_CONTESTANTS = (OURS, TUTORIAL_SYNC, TUTORIAL_THREADS, FASTAPI, NOTHING, NOTHING_ASYNCIO)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of one burst: the rate in callbacks a second, and a callback's CPU in ms."""

    rate: float
    web: float
    postgres: float


def measure(bench: Bench) -> Section:
    """Run all contestants round by round, a different one first each time, with empty tables."""
    taken: dict[str, list[Taken]] = {}
    alone: dict[str, list[float]] = {}
    with ExitStack() as stack:
        services = [stack.enter_context(_serving(bench, each)) for each in _CONTESTANTS]
        database = prepared(OURS, bench.server, name="pgbench")
        for _ in counted(bench.plan.rounds):
            for service in services:
                taken.setdefault(service.contestant.name, []).append(_taken(bench, service))
            for protocol in _PROTOCOLS:
                rate = _alone(bench, database, protocol)
                alone.setdefault(f"pgbench, {protocol}", []).append(rate)
            services.append(services.pop(0))

    return _section(taken, alone)


def _section(taken: dict[str, list[Taken]], alone: dict[str, list[float]]) -> Section:
    rates = {name: [each.rate for each in rounds] for name, rounds in taken.items()} | alone
    ours = rates[OURS.name]
    tutorial = faster(rates, TUTORIAL_SYNC.name, TUTORIAL_THREADS.name)
    fastapi = FASTAPI.name
    web = {name: [each.web for each in rounds] for name, rounds in taken.items()}
    postgres = {
        each.name: [item.postgres for item in taken[each.name]]
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
    database = prepared(contestant, bench.server, name=name) if contestant.tables else None

    return serving(contestant, database, bench.folder, workers=WORKERS)


def _taken(bench: Bench, service: Running) -> Taken:
    """Warm the service up, then send callbacks to it."""
    burst(service, bench.load, seconds=bench.plan.warm_up)
    run, spent = burst(service, bench.load, seconds=bench.plan.seconds)
    each = 1000 / run.answered

    return Taken(rate=run.rate, web=spent.web * each, postgres=spent.postgres * each)


def _alone(bench: Bench, database: Database, protocol: pgbench.Protocol) -> float:
    database.clear(*OURS.tables)

    return pgbench.run(database, bench.folder, seconds=bench.plan.seconds, protocol=protocol)
