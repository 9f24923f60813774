"""What a callback writes: the WAL for each byte of it, with full-page images and without."""

from contextlib import ExitStack

from bench.contestants import OURS
from bench.database import Database
from bench.load import callbacks, requests, wrk
from bench.plan import FEW, SIZE, Bench
from bench.report import Figure, Ratio, Section
from bench.service import Running, prepared, serving

_CALLBACKS = 3000
_PATIENCE = 60  # seconds
_BODIES = {"ordinary": callbacks.callback, "incompressible": callbacks.incompressible}
_STORED = f"""
SELECT avg(pg_column_size(body))::float8
FROM (SELECT body FROM events ORDER BY id DESC LIMIT {_CALLBACKS}) AS newest
"""  # noqa: S608 - ours
_GOALS = {"ordinary": 1.0, "incompressible": 1.5}


def measure(bench: Bench) -> Section:
    """Record the same callbacks twice, without full-page images and with them."""
    database = prepared(OURS, bench.server, name="wal")
    ratios, figures = [], []
    with ExitStack() as stack:
        stack.callback(_let_full_page_images_be, database)
        service = stack.enter_context(serving(OURS, database, bench.folder))
        for kind, body in _BODIES.items():
            load = requests.write_callbacks(
                bench.folder / kind, _CALLBACKS, SIZE, body=body, first=1_000_000
            )
            for images in (False, True):
                wal = _wal(bench, service, load, full_page_images=images)
                name = f"{kind}, {'with' if images else 'without'} full-page images"
                goal = None if images else _GOALS[kind]
                ratios.append(
                    Ratio(
                        name=f"WAL : body, {name}",
                        rounds=[wal * load.requests / load.bytes],
                        at_most=goal,
                    )
                )
                figures.append(Figure(name=f"WAL, {name}", unit="bytes", rounds=[wal]))
            stored = database.ask(_STORED)
            figures.append(
                Figure(name=f"body, {kind}", unit="bytes", rounds=[load.bytes / load.requests])
            )
            figures.append(Figure(name=f"body as stored, {kind}", unit="bytes", rounds=[stored]))

    return Section(
        title=f"WAL of a callback of {SIZE // 1000} kB",
        ratios=ratios,
        figures=figures,
        note=(
            f"Full-page images are those of the {_CALLBACKS:,} callbacks that follow a checkpoint, "
            "in tables that have some thousand rows: the fewer callbacks there are between two "
            "checkpoints, and the larger the indexes, the more each one has of them."
        ),
    )


def _let_full_page_images_be(database: Database, switch: str = "on") -> None:
    database.tell(f"ALTER SYSTEM SET full_page_writes = {switch}", "SELECT pg_reload_conf()")


def _wal(bench: Bench, service: Running, load: requests.Load, *, full_page_images: bool) -> float:
    """Return the bytes of WAL for each callback after a checkpoint, in tables that have rows."""
    assert service.database  # noqa: S101 - for the type checker
    _let_full_page_images_be(service.database, "on" if full_page_images else "off")
    service.clear()
    wrk.run(service.port, bench.load, seconds=2 * bench.plan.seconds, connections=FEW)
    service.database.tell("CHECKPOINT")
    position = service.database.ask("SELECT pg_current_wal_insert_lsn()::text")
    run = wrk.run(service.port, load, seconds=_PATIENCE, connections=FEW)
    if run.answered != load.requests:
        raise wrk.SpoiledRunError(f"{run.answered} of {load.requests} callbacks in {_PATIENCE} s")
    written: int = service.database.ask(
        f"SELECT (pg_current_wal_insert_lsn() - '{position}')::bigint"
    )

    return written / load.requests
