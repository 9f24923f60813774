"""The doctor's look at what is quarantined: jobs lack their transcripts, and it can be mended."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from receiver.doctor.finding import Finding, Verdict, patiently
from receiver.store.ledger.find import quarantined_since

# What is older has been told of before; some of it nothing can mend.
LATELY = timedelta(days=7)


def finding(engine: Engine) -> Finding:
    """Judge what was quarantined lately; raises NoAnswerError."""

    def look() -> int:
        with engine.connect() as connection:
            return quarantined_since(connection, datetime.now(UTC) - LATELY)

    return of_quarantined(patiently(look))


def of_quarantined(count: int) -> Finding:
    """Judge how many there are."""
    if count == 0:
        return Finding(Verdict.OK, "quarantined: nothing lately")

    return Finding(
        Verdict.WARN,
        f"quarantined: {count} callbacks of the last {LATELY.days} days could not be used",
        "Run `flask --app app callbacks list --outcome quarantined`: it says why. Mend that, then "
        "run `flask --app app callbacks replay --outcome quarantined`.",
    )
