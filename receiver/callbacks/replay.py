"""Replay: validates quarantined callbacks again, with the current code, keys and settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine

from receiver.callbacks.revalidate import revalidate
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.settings.keys import SigningKey
from receiver.store.event import Event, Outcome
from receiver.store.ledger.erased import is_erased
from receiver.store.ledger.quarantine import find_owner, find_quarantined
from receiver.store.ledger.record import record, record_or_quarantine
from receiver.store.ledger.under_lock import quarantine_foreign
from receiver.store.retry import DatabaseUnavailableError, query

# For one callback: its job may be locked for a while.
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What happened to a callback that was quarantined for `previous_reason`.

    `outcome` is None if it could not be validated or recorded; then nothing has changed. `reason`
    says why it stays quarantined, or what failed.
    """

    job_id: str | None
    previous_reason: str | None
    outcome: Outcome | None
    reason: str | None


class Replay:
    """Validates quarantined callbacks again, by id; a dry run returns the same and writes nothing.

    A dry run can't predict that the database will refuse a callback's values.
    """

    def __init__(
        self,
        engine: Engine,
        keys: Sequence[SigningKey],
        *,
        dry_run: bool,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._engine = engine
        self._keys = keys
        self._dry_run = dry_run
        self._timeout_seconds = timeout_seconds
        # The account of each job that doesn't exist yet: the account of its first event.
        self._owners: dict[str, str] = {}

    def __call__(self, event_id: int) -> ReplayResult | None:
        """Return what happened to the callback, None if it is no longer quarantined.

        Raises DatabaseUnavailableError after the timeout.
        """
        event = query(self._engine, Deadline(self._timeout_seconds), find_quarantined, event_id)
        if event is None:
            return None
        try:
            return self._replay(event)
        except DatabaseUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - the other callbacks must be replayed all the same
            return ReplayResult(event.job_id, event.reason, None, locate(error))

    def _replay(self, event: Event) -> ReplayResult:
        validated = revalidate(event, self._keys)
        if validated.head is not None and self._owner_of(validated) != validated.account_id:
            validated = quarantine_foreign(validated)
        # An unchanged result isn't written again.
        if self._dry_run or validated == event:
            outcome = self._predict(validated, is_changed=validated != event)
            return ReplayResult(validated.job_id, event.reason, outcome, validated.reason)
        recorded = record_or_quarantine(
            partial(record, self._engine), validated, Deadline(self._timeout_seconds)
        )

        return ReplayResult(validated.job_id, event.reason, recorded.outcome, recorded.reason)

    def _predict(self, event: Event, *, is_changed: bool) -> Outcome:
        """Return the outcome of recording the event."""
        if is_changed and query(self._engine, Deadline(self._timeout_seconds), is_erased, event):
            return Outcome.ERASED

        return Outcome.QUARANTINED if event.reason else Outcome.APPLIED

    def _owner_of(self, event: Event) -> str | None:
        """Return the account that the event's job belongs to, this event included."""
        job_id, account_id = str(event.job_id), str(event.account_id)
        owner = query(self._engine, Deadline(self._timeout_seconds), find_owner, job_id)
        if owner is None and self._dry_run:
            return self._owners.setdefault(job_id, account_id)

        return owner or account_id
