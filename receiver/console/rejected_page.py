"""The rejected requests, and which settings would verify them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import Response, g
from sqlalchemy import Connection, Row

from receiver.console.page import render
from receiver.rejected.check import Remedy, Search
from receiver.services import services
from receiver.store.rejected.dropped import dropped_counts
from receiver.store.rejected.read import newest_rejected
from receiver.web.auth import visible_account
from receiver.web.database import query
from receiver.web.problems import ProblemError

MAX_ROWS = 50
# A tenth of a second: the command `rejected check` tries as many as needed.
_MAX_TRIES = 4000

_VARIABLES = {"HMAC_SHA1": "TWILIO_AUTH_TOKEN", "HMAC_SHA256": "TWILIO_SIGNING_KEYS"}


class RemedyCount(NamedTuple):
    """What would verify requests, and how many of them."""

    requests: int
    text: str


def show() -> Response:
    """Show the newest rejected requests; raises ProblemError 403 for a bound key."""
    if visible_account() is not None:
        raise ProblemError(
            403,
            f"The API key {g.api_key.name} is bound to an account, and nothing proves of which "
            "account a rejected request is. Use a key that isn't bound.",
        )
    rows, dropped = query(_read)
    verdicts = _check(rows)
    counts = Counter(verdict for verdict in verdicts.values() if verdict)

    return render(
        "rejected.html",
        rows=rows,
        verdicts=verdicts,
        findings=[RemedyCount(number, text) for text, number in counts.most_common()],
        dropped=dropped,
        is_cut=len(rows) == MAX_ROWS,
    )


def _read(connection: Connection) -> tuple[Sequence[Row[Any]], Sequence[Any]]:
    return newest_rejected(connection, limit=MAX_ROWS), dropped_counts(connection)


def _check(rows: Sequence[Row[Any]]) -> dict[int, str | None]:
    """Return what would verify each request, None if nothing does that was tried."""
    settings, pause = services().settings, services().limits.pacer.pause_if_due
    search = Search(
        settings.public_url,
        settings.public_url_prefixes,
        [],
        settings.signing_keys,
        settings.accounts,
    )
    found = search.find_remedies(rows, lambda _: pause(), max_tries=_MAX_TRIES, pause=pause)
    verdicts: dict[int, str | None] = {}
    for row in rows:
        remedy = search.remedy_for(row, found.remedies)
        verdicts[row.id] = _describe(remedy) if remedy else None
        pause()

    return verdicts


def _describe(remedy: Remedy) -> str:
    changes = remedy.conditions()
    key = f"{remedy.key.id} of {_VARIABLES[remedy.key.algorithm]}"
    if not changes:
        return f"verifies now, with the key {key}"

    return f"verifies if {' and '.join(changes)}, with the key {key}"
