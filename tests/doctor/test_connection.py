"""The doctor's checks of the connection to the database and of the clocks."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from receiver.doctor.connection import check_clock, check_transport
from receiver.doctor.finding import Verdict
from receiver.store.server import Transport, describe_transport

NOW = datetime(2026, 4, 2, tzinfo=UTC)


def test_transport_of_a_connection(engine: Engine) -> None:
    """A connection by loopback is local, and has libpq's default mode."""
    with engine.connect() as connection:
        transport = describe_transport(connection)
    assert transport == Transport(is_local=True, is_encrypted=False, sslmode="prefer")
    assert check_transport(transport).verdict == Verdict.OK


@pytest.mark.parametrize(
    ("is_encrypted", "sslmode", "verdict", "text"),
    [
        (False, "disable", Verdict.WARN, "not encrypted (sslmode disable)"),
        (False, "prefer", Verdict.WARN, "not encrypted (sslmode prefer)"),
        (True, "prefer", Verdict.WARN, "not fully verified (sslmode prefer)"),
        (True, "require", Verdict.WARN, "not fully verified (sslmode require)"),
        (True, "verify-ca", Verdict.WARN, "not fully verified (sslmode verify-ca)"),
        (True, "verify-full", Verdict.OK, "encrypted and verified"),
    ],
)
def test_remote_database_needs_verified_tls(
    is_encrypted: bool,  # noqa: FBT001 - a parameter of the test
    sslmode: str,
    verdict: Verdict,
    text: str,
) -> None:
    """A remote database without TLS, or with an unverified certificate, is a warning."""
    transport = Transport(is_local=False, is_encrypted=is_encrypted, sslmode=sslmode)
    finding = check_transport(transport)
    assert finding.verdict == verdict
    assert text in finding.text
    assert bool(finding.remedy) == (verdict != Verdict.OK)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (31_536_000, "31536000 s ahead of the database's"),
        (-60, "60 s behind the database's"),
        (1, "the same time"),
    ],
)
def test_clock_is_compared_with_the_databases(seconds: float, text: str) -> None:
    """A clock that differs from the database's is reported with the difference."""
    assert text in check_clock(NOW + timedelta(seconds=seconds), NOW).text
