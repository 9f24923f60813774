"""The WAL that a callback writes, with full-page images and without."""

from contextlib import ExitStack

from bench.contestants import OURS
from bench.database import Database
from bench.load import callbacks, requests, wrk
from bench.plan import BODY_BYTES, FEW_CONNECTIONS, Bench
from bench.report import Figure, Ratio, Section
from bench.service import Running, prepare_database, serving

_CALLBACKS = 3000
_TIMEOUT_SECONDS = 60
_BODIES = {"ordinary": callbacks.callback, "incompressible": callbacks.incompressible}
_STORED = f"""
SELECT avg(pg_column_size(body))::float8
FROM (SELECT body FROM events ORDER BY id DESC LIMIT {_CALLBACKS}) AS newest
"""  # noqa: S608 - ours
_GOALS = {"ordinary": 1.0, "incompressible": 1.5}


def measure(bench: Bench) -> Section:
    """Record the same callbacks twice, without full-page images and with them."""
    database = prepare_database(OURS, bench.server, name="wal")
    ratios, figures = [], []
    with ExitStack() as stack:
        stack.callback(_set_full_page_images, database)
        service = stack.enter_context(serving(OURS, database, bench.folder))
        for kind, body in _BODIES.items():
            load = requests.write_callbacks(
                bench.folder / kind, _CALLBACKS, BODY_BYTES, body=body, first=1_000_000
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
            stored = database.fetch_value(_STORED)
            figures.append(
                Figure(name=f"body, {kind}", unit="bytes", rounds=[load.bytes / load.requests])
            )
            figures.append(Figure(name=f"body as stored, {kind}", unit="bytes", rounds=[stored]))

    return Section(
        title=f"WAL of a callback of {BODY_BYTES // 1000} kB",
        ratios=ratios,
        figures=figures,
        note=(
            f"Full-page images are those of the {_CALLBACKS:,} callbacks that follow a checkpoint, "
            "in tables that have some thousand rows: the fewer callbacks there are between two "
            "checkpoints, and the larger the indexes, the more each one has of them."
        ),
    )


def _set_full_page_images(database: Database, switch: str = "on") -> None:
    database.execute(f"ALTER SYSTEM SET full_page_writes = {switch}", "SELECT pg_reload_conf()")


def _wal(bench: Bench, service: Running, load: requests.Load, *, full_page_images: bool) -> float:
    """Return the bytes of WAL for each callback after a checkpoint, in tables that have rows."""
    assert service.database  # noqa: S101 - for the type checker
    _set_full_page_images(service.database, "on" if full_page_images else "off")
    service.clear()
    wrk.run(service.port, bench.load, seconds=2 * bench.plan.seconds, connections=FEW_CONNECTIONS)
    service.database.execute("CHECKPOINT")
    position = service.database.fetch_value("SELECT pg_current_wal_insert_lsn()::text")
    run = wrk.run(service.port, load, seconds=_TIMEOUT_SECONDS, connections=FEW_CONNECTIONS)
    if run.answered != load.requests:
        raise wrk.SpoiledRunError(
            f"{run.answered} of {load.requests} callbacks in {_TIMEOUT_SECONDS} s"
        )
    written: int = service.database.fetch_value(
        f"SELECT (pg_current_wal_insert_lsn() - '{position}')::bigint"
    )

    return written / load.requests
