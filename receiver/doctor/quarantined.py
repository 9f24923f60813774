"""Checks for quarantined callbacks: their jobs lack transcripts until the cause is fixed."""

from datetime import timedelta

from sqlalchemy import Connection, Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import QueryError, query
from receiver.doctor.settings import BIND_TO_OWN_ACCOUNT
from receiver.runtime.plural import pluralize
from receiver.settings.config import Settings
from receiver.settings.keys import SigningKey
from receiver.store.clock import database_now
from receiver.store.ledger.find import quarantined_since
from receiver.store.ledger.mismatches import has_only_mismatches

# Older ones are not reported: some can never be fixed, and the warning would stay forever.
MAX_AGE = timedelta(days=7)

_ONE, _MANY = "callback or response of Twilio", "callbacks or responses of Twilio"
_REPLAY = (
    "Run `flask --app app callbacks list --outcome quarantined --source all`, which prints the "
    "reasons. Fix the cause, then run `flask --app app callbacks replay --outcome quarantined`."
)


def check_quarantined(settings: Settings, engine: Engine) -> Finding:
    """Check for recently quarantined callbacks.

    It is a failure if a key is bound to another account than that of all callbacks that it signs.
    """
    try:
        count, keys = query(engine, _load, settings)
    except QueryError as error:
        return Finding(Verdict.FAIL, f"quarantined: not checked: {error}")
    if count == 0:
        return Finding(Verdict.OK, f"quarantined: none in the last {MAX_AGE.days} days")
    if keys:
        return Finding(
            Verdict.FAIL,
            f"quarantined: all callbacks of {', '.join(key.id for key in keys)} in the last "
            f"{MAX_AGE.days} days, because the key is bound to another account than theirs",
            f"{BIND_TO_OWN_ACCOUNT} {_REPLAY}",
        )

    return Finding(
        Verdict.WARN,
        f"quarantined: {pluralize(count, _ONE, _MANY)} in the last {MAX_AGE.days} days could not "
        "be used",
        _REPLAY,
    )


def _load(connection: Connection, settings: Settings) -> tuple[int, list[SigningKey]]:
    """Return how many events are quarantined, and the keys whose callbacks all are."""
    since = database_now(connection) - MAX_AGE
    count = quarantined_since(connection, since)
    bound = [key for key in settings.signing_keys if count and key.account]

    return count, [key for key in bound if has_only_mismatches(connection, key.stored_id, since)]
