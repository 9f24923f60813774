"""Checks whether Postgres's own log may contain names, numbers and bodies."""

from sqlalchemy import Connection

from receiver.doctor.finding import Finding, Verdict
from receiver.store.engine import LOG_SETTINGS
from receiver.store.server_log import ServerLog, read_server_log


def check_server_log(connection: Connection) -> Finding:
    """Check that the server logs no values of this role's statements."""
    log = read_server_log(connection)
    if not log.harmful:
        details = "; errors may quote a part of a row" if log.has_details else ""
        return Finding(Verdict.OK, f"Postgres's log: without values of statements{details}")

    return Finding(
        Verdict.WARN,
        "Postgres's log: it may contain names, numbers and bodies, because Postgres logs values of "
        f"statements ({', '.join(log.harmful)})",
        _remedy(log),
    )


def _remedy(log: ServerLog) -> str:
    role = f"ALTER ROLE {log.role} IN DATABASE {log.database}"
    statements = [f"{role} SET {name} = {value};" for name, value in log.harmful.items()]
    remedy = f"As a superuser, run `{' '.join(statements)}`"
    # With the privilege, each session of ours makes these settings itself.
    if log.harmful.keys() <= LOG_SETTINGS.keys() and not log.is_pooled:
        remedy += f" or `GRANT SET ON PARAMETER {', '.join(LOG_SETTINGS)} TO {log.role}`"

    return (
        f"{remedy}, then restart the service's processes. If your provider allows neither: see "
        "Postgres's own log in docs/privacy.md."
    )
