"""Rejected requests for the store's tests."""

import hashlib
from datetime import UTC, datetime, timedelta

from receiver.store.rejected.write import RejectedRequest

START = datetime(2026, 4, 2, tzinfo=UTC)


def make_rejected(
    number: int, *, account: str = "AC1", hours: float = 0, size: int = 100
) -> RejectedRequest:
    """Return a request that was received `hours` after the start; each number has its own body."""
    body = f"{number}".encode().ljust(size)

    return RejectedRequest(
        received_at=START + timedelta(hours=hours),
        reason="wrong_signature",
        account_id=account,
        job_id=f"job_{number}",
        origin="http://internal:8000",
        target="/callbacks/transcription?bodySHA256=0",
        headers={"Host": "internal:8000"},
        body=body,
        sha256=hashlib.sha256(body).digest(),
    )
