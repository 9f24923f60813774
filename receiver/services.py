"""The application's parts, typed: how a view, a command or a test gets them.

`create_services` makes them once for each process; `services()` returns those of the current
application.
"""

from dataclasses import dataclass
from functools import partial

from flask import Flask, current_app
from sqlalchemy import Engine

from receiver.bodies.reader import BodyReader
from receiver.events.proof import is_signed_callback
from receiver.rejected.store import READ_TIMEOUT_SECONDS, RejectedStore
from receiver.settings.config import ConfigError, Settings
from receiver.spool.folder import Spool
from receiver.spool.seal import Seal
from receiver.store.engine import make_engine
from receiver.store.ledger.group_commit import GroupCommitter
from receiver.store.rejected.quotas import Quotas

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


def create_services(
    settings: Settings, *, rejected_read_seconds: float = READ_TIMEOUT_SECONDS
) -> Services:
    """Return the parts for these settings; nothing is connected or opened yet."""
    engine = make_engine(settings.database_url, pool_size=settings.db_pool_size)
    body_reader = BodyReader(max_body_bytes=settings.max_body_bytes)

    return Services(
        settings=settings,
        engine=engine,
        # One connection is left for readers.
        committer=GroupCommitter(engine, max_leaders=max(1, settings.db_pool_size - 1)),
        spool=make_spool(settings),
        body_reader=body_reader,
        rejected=RejectedStore(
            engine,
            body_reader,
            Quotas(settings.accounts),
            read_timeout_seconds=rejected_read_seconds,
        ),
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
    return services_of(current_app)
