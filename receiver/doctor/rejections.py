"""The doctor's look at what was rejected: callbacks may be among it, and a setting wrong."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from receiver.doctor.finding import Finding, Verdict, patiently
from receiver.store.rejected.read import rejected_since

# What is older has been told of before; anybody can send one, and it would never be healthy again.
LATELY = timedelta(days=7)

NO_ACCOUNT = Finding(
    Verdict.WARN,
    "rejected: no account has a quota of its own, so strangers may leave no room for what is yours",
    "Set TWILIO_ACCOUNT_SID to the account's SID, or write ACsid=token in TWILIO_AUTH_TOKEN.",
)


def finding(engine: Engine) -> Finding:
    """Judge what was rejected lately; raises NoAnswerError."""

    def look() -> int:
        with engine.connect() as connection:
            return rejected_since(connection, datetime.now(UTC) - LATELY)

    return of_rejected(patiently(look))


def of_rejected(count: int) -> Finding:
    """Judge how many there are; each may be a transcript that is nowhere else."""
    if count == 0:
        return Finding(Verdict.OK, "rejected: nothing lately that looks like a callback")

    return Finding(
        Verdict.WARN,
        f"rejected: {count} requests of the last {LATELY.days} days look like callbacks but don't "
        "verify",
        "Run `flask --app app rejected check`: it says which setting would verify them, if any of "
        "those it tries does. Set that, restart the web process, "
        "then run `flask --app app rejected accept`.",
    )
