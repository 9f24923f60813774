"""Reads which settings let Postgres write values of our statements into its log."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    import psycopg

# What each of these has to be, so that no value of a statement is logged. An extension's settings
# are visible only where it is loaded.
_HARMLESS_VALUES = {
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "debug_print_plan": "off",
    "auto_explain.log_min_duration": "-1",
    "pgaudit.log_parameter": "off",
}

# Behind a pooler, a statement may run in a session that was never set up as ours are
# (receiver.store.engine). So the settings count that a session of this role begins with.
_SETTINGS = text("""
SELECT name, CASE WHEN pg_backend_pid() = :pid THEN setting ELSE reset_val END AS value
FROM pg_settings WHERE name ~ '^(log_|debug_print_|auto_explain[.]|pgaudit[.])'
""")
_NAMES = text("""
SELECT quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
       pg_backend_pid() <> :pid AS is_pooled
""")


@dataclass(frozen=True)
class ServerLog:
    """What Postgres may write into its log.

    `harmful` has the settings with which it logs values of statements, each with the value that
    prevents this. `has_details` is whether an error may be logged with a detail, which can quote a
    row. `role` and `database` are quoted as identifiers.
    """

    harmful: Mapping[str, str]
    has_details: bool
    is_pooled: bool
    role: str
    database: str


def read_server_log(connection: Connection) -> ServerLog:
    """Return what Postgres may write into its log of the sessions of this role."""
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    pid = {"pid": driver.info.backend_pid}  # a pooler makes up this number
    settings = {row.name: row.value for row in connection.execute(_SETTINGS, pid)}
    names = connection.execute(_NAMES, pid).one()

    return ServerLog(
        harmful=dict(find_harmful(settings)),
        has_details=_logs_details(settings),
        is_pooled=names.is_pooled,
        role=names.role,
        database=names.database,
    )


def find_harmful(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the settings with which values of statements are logged, and their harmless values."""
    unused = set()
    if not _logs_statements(settings):
        unused.add("log_parameter_max_length")
    if settings.get("pgaudit.log", "").lower() == "none" and not settings.get("pgaudit.role"):
        unused.add("pgaudit.log_parameter")
    for name, harmless in _HARMLESS_VALUES.items():
        if settings.get(name, harmless) != harmless and name not in unused:
            yield name, harmless


def _logs_statements(settings: Mapping[str, str]) -> bool:
    """Return whether statements that succeed are logged: all, slow ones, or some of them."""
    is_sampled = float(settings["log_statement_sample_rate"]) > 0

    return (
        settings["log_statement"] in {"mod", "all"}
        or int(settings["log_min_duration_statement"]) >= 0
        or (int(settings["log_min_duration_sample"]) >= 0 and is_sampled)
        or float(settings["log_transaction_sample_rate"]) > 0
    )


def _logs_details(settings: Mapping[str, str]) -> bool:
    """Return whether an error's details are logged, as CSV and JSON always are."""
    formats = {name.strip() for name in settings["log_destination"].split(",")}

    return settings["log_error_verbosity"] != "terse" or not formats <= {"stderr", "syslog"}
