"""Tests of the metrics while the database fails, and behind PgBouncer."""

from pathlib import Path
from urllib.parse import urlsplit

from dev.postgres import Server
from receiver.store.engine import make_engine
from receiver.store.migrate import migrate
from tests.support.faults.pgbouncer import pgbouncer
from tests.support.metrics import APPLIED, FAST, NO_LABELS, page_when
from tests.support.postgres import frozen
from tests.support.server import web_server
from tests.support.stored_callbacks import callback

HEALTH = ("receiver_http_requests_total", {"route": "/healthz", "status": "200"})


def test_metrics_work_behind_pgbouncer(
    postgres: Server, module_database: str, postgres_folder: Path, tmp_path: Path
) -> None:
    """Behind a pooler in transaction mode, counts and figures are written and read."""
    with pgbouncer(postgres, postgres_folder / "pgbouncer-metrics") as url:
        pooled = urlsplit(url)._replace(path=urlsplit(module_database).path).geturl()
        with web_server(pooled, tmp_path / "log", FAST, WEB_CONCURRENCY="2") as web:
            for number in range(4):
                assert web.call(callback(f"pooled_{number}")).status_code == 204
            page_when(web, *APPLIED, 4)
            page_when(web, "receiver_jobs_completed", NO_LABELS, 4)


def test_counts_go_on_after_the_database_was_frozen(own_postgres: Server, tmp_path: Path) -> None:
    """A frozen database is reported; what happened meanwhile is counted when it answers again."""
    engine = make_engine(own_postgres.url(), pool_size=1)
    migrate(engine, report=lambda _: None)
    engine.dispose()
    with web_server(own_postgres.url(), tmp_path / "log", FAST) as web:
        page_when(web, *HEALTH, 1)
        with frozen(own_postgres):
            page_when(web, "receiver_database_up", NO_LABELS, 0)
            for _ in range(3):
                assert web.get("/healthz").status_code == 200
        page_when(web, "receiver_database_up", NO_LABELS, 1)
        page_when(web, *HEALTH, 4)
