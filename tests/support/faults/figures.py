"""The figures of a scenario, and the rule of all scenarios: acknowledged = stored."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from tests.support.faults.sender import Delivery, NoAnswer


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was sent, answered and stored.

    `unavailable` (5xx), `refused` and `lost` (connections) count attempts; the others count
    callbacks. `missing` callbacks were acknowledged and aren't stored. `slowest_seconds` is the
    longest attempt.
    """

    scenario: str
    sent: int
    acknowledged: int
    unavailable: int
    refused: int
    lost: int
    stored: int
    missing: int
    slowest_seconds: float


def count_figures(scenario: str, deliveries: Sequence[Delivery], stored: set[bytes]) -> Figures:
    """Return the figures of the deliveries."""
    answers = [answer for delivery in deliveries for answer in delivery.answers]
    acknowledged = {delivery.body for delivery in deliveries if delivery.is_acknowledged}

    return Figures(
        scenario=scenario,
        sent=len({delivery.body for delivery in deliveries}),
        acknowledged=len(acknowledged),
        unavailable=sum(isinstance(answer, int) and answer >= 500 for answer in answers),
        refused=answers.count(NoAnswer.CONNECTION_REFUSED),
        lost=answers.count(NoAnswer.CONNECTION_LOST),
        stored=len(stored),
        missing=len(acknowledged - stored),
        slowest_seconds=round(max(delivery.slowest_seconds for delivery in deliveries), 1),
    )


def stored_bodies(database: str) -> list[bytes]:
    """Return every body in the ledger."""
    with psycopg.connect(database) as connection:
        return [bytes(body) for (body,) in connection.execute("SELECT body FROM events")]


def count_unreadable(database: str) -> int:
    """Return the number of callbacks that are quarantined, or whose job has no transcript."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT count(*) FROM events LEFT JOIN transcriptions ON transcriptions.id = job_id"
            " WHERE outcome = 'quarantined' OR transcript_sha256 IS NULL"
        ).fetchone()

    return int(row[0]) if row else 0


def check_deliveries(deliveries: Sequence[Delivery], stored: list[bytes]) -> None:
    """Check that each acknowledged body is stored once, and no body that wasn't sent.

    No answer may be one after which Twilio doesn't retry: neither a 4xx nor a late one.
    """
    sent = {delivery.body for delivery in deliveries}
    assert {delivery.body for delivery in deliveries if delivery.is_acknowledged} <= set(stored)
    assert set(stored) <= sent
    assert len(stored) == len(set(stored))
    answers = {answer for delivery in deliveries for answer in delivery.answers}
    assert answers <= {204, 503, NoAnswer.CONNECTION_REFUSED, NoAnswer.CONNECTION_LOST}


def format_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the lines of a table with the figures of every scenario, all of the same kind."""
    names = list(rows[0])
    cells = [names, *([_format(row[name]) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    aligns = [str.ljust if isinstance(rows[0][name], str) else str.rjust for name in names]

    return [
        "  ".join(
            align(cell, width) for align, cell, width in zip(aligns, line, widths, strict=True)
        ).rstrip()
        for line in cells
    ]


def _format(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def to_property(row: Figures) -> tuple[str, dict[str, Any]]:
    """Return the figures as a property of a test report, which pytest-xdist can transfer."""
    return "figures", asdict(row)
