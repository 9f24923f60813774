"""The application's parts, typed: how a view, a command or a test gets them.

`create_services` makes them once for each process; `services()` returns those of the current
application.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Engine

from receiver.bodies.memory_budget import MemoryBudget
from receiver.bodies.reader import BodyReader
from receiver.events.proof import is_signed_callback
from receiver.metrics.figures import Counting
from receiver.metrics.metrics import FLUSH_SECONDS, Metrics
from receiver.metrics.worker_state import measure
from receiver.rejected.store import READ_TIMEOUT_SECONDS, RejectedStore
from receiver.runtime.failure_limiter import FailureLimiter
from receiver.runtime.line_limiter import LineLimiter
from receiver.runtime.reader_limits import ReaderLimits, reader_limits
from receiver.runtime.shared_result import SharedResult
from receiver.settings.config import ConfigError, Settings
from receiver.spool.folder import Spool
from receiver.spool.seal import Seal
from receiver.store.changes.watcher import Watcher
from receiver.store.engine import make_engine
from receiver.store.ledger.group_commit import GroupCommitter
from receiver.store.rejected.quotas import Quotas

# How long a worker uses what it has counted or checked. Monitors ask every few seconds.
COMPLETENESS_SECONDS = 5.0
READINESS_SECONDS = 1.0

# Clients may receive slowly, and nothing limits their number.
SENDING_BYTES = 64 * 1024 * 1024

_KEY = "services"  # in Flask's `extensions`


@dataclass(frozen=True, kw_only=True)
class Services:
    """What one process of the service is made of."""

    settings: Settings
    engine: Engine
    committer: GroupCommitter  # records the callbacks that arrive together
    spool: Spool | None  # None if SPOOL_DIR is not set
    body_reader: BodyReader
    rejected: RejectedStore
    limits: ReaderLimits
    response_memory: MemoryBudget  # of large responses, until their clients have received them
    # By the account that API keys are bound to, see receiver.lookup.completeness.
    completeness: Mapping[str | None, SharedResult[dict[str, Any] | None]]
    metrics: Metrics
    readiness: SharedResult[str | None]  # the problem, None if there is none
    changes: Watcher  # of clients that wait for the feed of changes
    failed_keys: FailureLimiter  # counts the requests with wrong API keys
    unproved_lines: LineLimiter  # log lines of what looks like a callback, and anybody can send


def create_services(
    settings: Settings,
    *,
    rejected_read_seconds: float = READ_TIMEOUT_SECONDS,
    completeness_seconds: float = COMPLETENESS_SECONDS,
    readiness_seconds: float = READINESS_SECONDS,
    metrics_seconds: float = FLUSH_SECONDS,
) -> Services:
    """Return the parts for these settings; nothing is connected or opened yet.

    The body of a rejected request is read for at most `rejected_read_seconds`. A worker counts and
    checks again after `completeness_seconds` and `readiness_seconds`, and writes the counts of the
    metrics every `metrics_seconds`.
    """
    engine = make_engine(settings.database_url, pool_size=settings.db_pool_size)
    body_reader = BodyReader(max_body_bytes=settings.max_body_bytes)
    # One connection is left for readers.
    committer = GroupCommitter(engine, max_leaders=max(1, settings.db_pool_size - 1))
    spool, limits = make_spool(settings), reader_limits(settings.db_pool_size)

    return Services(
        settings=settings,
        engine=engine,
        committer=committer,
        spool=spool,
        body_reader=body_reader,
        rejected=RejectedStore(
            engine,
            body_reader,
            Quotas(settings.accounts),
            read_timeout_seconds=rejected_read_seconds,
        ),
        limits=limits,
        response_memory=MemoryBudget(SENDING_BYTES, SENDING_BYTES),
        completeness={
            account: SharedResult(
                max_age_seconds=completeness_seconds, max_stale_seconds=12 * completeness_seconds
            )
            for account in {key.account for key in settings.api_keys}
        },
        metrics=Metrics(
            engine,
            limits,
            partial(measure, engine, body_reader, committer, spool),
            counting=Counting(
                timedelta(seconds=settings.reconcile_grace_seconds),
                {key.account for key in settings.api_keys if key.account},
                [endpoint.name for endpoint in settings.push_endpoints],
                has_search=settings.search,
            ),
            flush_seconds=metrics_seconds,
        ),
        readiness=SharedResult(max_age_seconds=readiness_seconds),
        changes=Watcher(engine, limits.connections),
        failed_keys=FailureLimiter(),
        unproved_lines=LineLimiter(),
    )


def make_spool(settings: Settings) -> Spool | None:
    """Return the spool of these settings, None if SPOOL_DIR is not set; nothing is opened yet."""
    if settings.spool_dir is None:
        return None
    seal = Seal(settings.spool_keys, is_signed=partial(is_signed_callback, settings=settings))

    return Spool(settings.spool_dir, durable=settings.spool_durable, seal=seal)


def install(app: Flask, parts: Services) -> None:
    """Make these the parts of the application."""
    app.extensions[_KEY] = parts


def install_error(app: Flask, error: ConfigError) -> None:
    """Make `services` raise this error: the application has no valid settings."""
    app.extensions[_KEY] = error


def services_of(app: Flask) -> Services:
    """Return the parts of an application; raises ConfigError if its settings are invalid."""
    parts: Services | ConfigError = app.extensions[_KEY]
    if isinstance(parts, ConfigError):
        raise parts

    return parts


def services() -> Services:
    """Return the parts of the current application."""
    # Flask documents this name. An attribute of the proxy itself takes 1.3 µs more, and a request
    # needs its parts some eight times.
    return services_of(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
