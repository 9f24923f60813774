"""The figures of a scenario, and the rule that holds in every one: acknowledged = stored."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import psycopg

from tests.support.faults.sender import Delivery, NoAnswerError


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was sent, what was said, and what the ledger holds.

    Callbacks, but for the attempts that were answered with 5xx (`unavailable`), found no connection
    (`refused`) or lost it. `missing` were acknowledged and aren't stored; `slowest` is one attempt,
    in seconds.
    """

    scenario: str
    sent: int
    acknowledged: int
    unavailable: int
    refused: int
    lost: int
    stored: int
    missing: int
    slowest: float


def figures(scenario: str, deliveries: Sequence[Delivery], stored: set[bytes]) -> Figures:
    """Count what came of the deliveries."""
    answers = [answer for delivery in deliveries for answer in delivery.answers]
    acknowledged = {delivery.body for delivery in deliveries if delivery.acknowledged}

    return Figures(
        scenario=scenario,
        sent=len({delivery.body for delivery in deliveries}),
        acknowledged=len(acknowledged),
        unavailable=sum(isinstance(answer, int) and answer >= 500 for answer in answers),
        refused=answers.count(NoAnswerError.REFUSED),
        lost=answers.count(NoAnswerError.LOST),
        stored=len(stored),
        missing=len(acknowledged - stored),
        slowest=round(max(delivery.slowest for delivery in deliveries), 1),
    )


def ledger(database: str) -> list[bytes]:
    """Return every body that the ledger holds."""
    with psycopg.connect(database) as connection:
        return [bytes(body) for (body,) in connection.execute("SELECT body FROM events")]


def unreadable(database: str) -> int:
    """Return how many callbacks of the ledger were quarantined, or have left their job without."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT count(*) FROM events LEFT JOIN transcriptions ON transcriptions.id = job_id"
            " WHERE outcome = 'quarantined' OR transcript_sha256 IS NULL"
        ).fetchone()

    return int(row[0]) if row else 0


def check(deliveries: Sequence[Delivery], stored: list[bytes]) -> None:
    """Hold the rule: what was acknowledged is stored to the byte, once, and nothing else is.

    And no answer was one after which Twilio lets go of a body: neither 4xx nor one that is late.
    """
    sent = {delivery.body for delivery in deliveries}
    assert {delivery.body for delivery in deliveries if delivery.acknowledged} <= set(stored)
    assert set(stored) <= sent
    assert len(stored) == len(set(stored))
    answers = {answer for delivery in deliveries for answer in delivery.answers}
    assert answers <= {204, 503, NoAnswerError.REFUSED, NoAnswerError.LOST}


def table(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return the lines that show the figures of every scenario."""
    names = [field.name for field in fields(Figures)]
    cells = [names, *([str(row[name]) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]


def as_property(row: Figures) -> tuple[str, dict[str, Any]]:
    """Return the row as a test's report carries it, from another process too."""
    return "figures", asdict(row)
