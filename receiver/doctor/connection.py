"""Checks how the database is reached: whether the connection is safe, and whether clocks agree."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from receiver.doctor.finding import Finding, Verdict
from receiver.store.clock import database_now
from receiver.store.server import Transport, describe_transport

# More than a slow round trip takes.
MAX_CLOCK_DIFFERENCE = timedelta(seconds=5)

_TLS_REMEDY = (
    "Add ?sslmode=verify-full to DATABASE_URL, with the sslrootcert that your provider documents: "
    "see Transport in docs/settings.md. If the provider's certificate can't be verified, or the "
    "network is private to your machines, nothing has to change."
)


def check_connection(connection: Connection) -> Iterator[Finding]:
    """Check the connection and the clocks on its two ends."""
    yield check_transport(describe_transport(connection))
    before = datetime.now(UTC)
    now = database_now(connection)
    yield check_clock(before, now)


def check_transport(transport: Transport) -> Finding:
    """Check that a connection to another machine is encrypted, and that its server is verified."""
    mode = f"sslmode {transport.sslmode}"
    if transport.is_local:
        return Finding(Verdict.OK, "connection: to a database on this machine")
    if not transport.is_encrypted:
        return Finding(
            Verdict.WARN,
            f"connection: not encrypted ({mode}), so others on the network could read and change "
            "what the database stores",
            _TLS_REMEDY,
        )
    if transport.sslmode != "verify-full":
        return Finding(
            Verdict.WARN,
            f"connection: encrypted, but the server's certificate is not fully verified ({mode}), "
            "so another server could pose as the database",
            _TLS_REMEDY,
        )

    return Finding(Verdict.OK, f"connection: encrypted and verified ({mode})")


def check_clock(own: datetime, database: datetime) -> Finding:
    """Compare this machine's clock with the database's."""
    difference = own - database
    if abs(difference) <= MAX_CLOCK_DIFFERENCE:
        return Finding(Verdict.OK, "clock: the same time as the database's")
    direction = "ahead of" if difference > timedelta(0) else "behind"

    return Finding(
        Verdict.WARN,
        f"clock: this machine's is {abs(difference).total_seconds():.0f} s {direction} the "
        "database's",
        "Synchronize the clocks of all machines (NTP). A callback is stored with the time of the "
        "machine that receives it.",
    )
