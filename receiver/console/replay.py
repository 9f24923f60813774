"""Replays callbacks in quarantine, as many as the time of one request allows."""

from itertools import islice
from typing import NamedTuple

from flask import request

from receiver.callbacks.replay import Replay, ReplayResult
from receiver.runtime.deadline import request_deadline
from receiver.services import services
from receiver.store.event import Outcome
from receiver.store.ledger.find import LedgerFilter
from receiver.store.ledger.quarantine import newest_id, quarantined_ids
from receiver.web.database import query

MAX_CALLBACKS = 200
_CALLBACK_SECONDS = 2.0
# Reserved at the end of the request's time: for one more callback, and for the page.
_REST_SECONDS = 3.0


class Line(NamedTuple):
    """One callback, and what happened to it or would happen."""

    callback_id: int
    job_id: str | None
    previous_reason: str | None
    result: str
    is_applied: bool = False  # now, or in a replay that writes


class Done(NamedTuple):
    """The callbacks of one request, and the id to continue after; None if none is left."""

    lines: list[Line]
    continue_after: int | None

    @property
    def would_apply(self) -> bool:
        """Whether a callback was applied, or would be."""
        return any(line.is_applied for line in self.lines)


def replay_some(ledger_filter: LedgerFilter, *, after: int, dry_run: bool) -> Done:
    """Replay the oldest callbacks of the filter whose ids are above `after`.

    Raises DatabaseUnavailableError.
    """
    parts, deadline = services(), request_deadline(request.environ)
    newest = query(newest_id, ledger_filter)
    with parts.limits.connections.hold(deadline.remaining()):
        ids = quarantined_ids(parts.engine, ledger_filter, newest, after=after)
        chosen = list(islice(ids, MAX_CALLBACKS + 1))
    replay = Replay(
        parts.engine,
        parts.settings.signing_keys,
        dry_run=dry_run,
        timeout_seconds=_CALLBACK_SECONDS,
    )
    lines: list[Line] = []
    for callback_id in chosen[:MAX_CALLBACKS]:
        if deadline.remaining() < _REST_SECONDS:
            break
        with parts.limits.connections.hold(deadline.remaining()):
            result = replay(callback_id)
        lines.append(_line(callback_id, result, dry_run=dry_run))
        parts.limits.pacer.pause_if_due()
    is_complete = len(lines) == len(chosen)

    return Done(lines, None if is_complete or not lines else lines[-1].callback_id)


def _line(callback_id: int, result: ReplayResult | None, *, dry_run: bool) -> Line:
    if result is None:
        return Line(callback_id, None, None, "applied already")
    is_applied = result.outcome not in {None, Outcome.QUARANTINED}
    if result.outcome is None:
        text = "failed"
    elif result.outcome == Outcome.QUARANTINED:
        text = f"stays in quarantine: {result.reason}"
    else:
        text = "would be applied" if dry_run else str(result.outcome)

    return Line(callback_id, result.job_id, result.previous_reason, text, is_applied)
