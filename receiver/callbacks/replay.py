"""Replay: judging anew what is quarantined, by today's code, keys and settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine

from receiver.callbacks.revalidate import revalidate
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.settings.keys import SigningKey
from receiver.store.event import Event, Outcome
from receiver.store.ledger.quarantine import find_owner, find_quarantined
from receiver.store.ledger.record import foreign, record, record_or_quarantine
from receiver.store.retry import DatabaseUnavailableError, query

# In seconds, for one callback: a lock on its job may have to be waited for.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a callback that was quarantined for the reason `was`.

    `outcome` is None where it could not be judged or recorded: then nothing has changed. `reason`
    tells why it stays quarantined, or what failed.
    """

    job_id: str | None
    was: str | None
    outcome: Outcome | None
    reason: str | None


class Replay:
    """Judges quarantined callbacks anew, by their ids; a dry run tells the same and writes nothing.

    What only the database can find out, that it refuses the values, a dry run doesn't foresee.
    """

    def __init__(self, engine: Engine, keys: Sequence[SigningKey], *, dry_run: bool) -> None:
        self._engine = engine
        self._keys = keys
        self._dry_run = dry_run
        # Whose each job would be that doesn't exist yet: the first one's to tell of it.
        self._claimed: dict[str, str] = {}

    def __call__(self, event_id: int) -> Verdict | None:
        """Return what becomes of the callback, None if there is nothing left to judge.

        Raises receiver.store.retry.DatabaseUnavailableError if the database doesn't do it in time.
        """
        event = query(self._engine, Deadline(_PATIENCE), find_quarantined, event_id)
        if event is None:
            return None
        try:
            return self._replayed(event)
        except DatabaseUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - it must not cost the others their replay
            return Verdict(event.job_id, event.reason, None, locate(error))

    def _replayed(self, event: Event) -> Verdict:
        judged = revalidate(event, self._keys)
        if judged.head is not None and self._owner_with(judged) != judged.account_id:
            judged = foreign(judged)
        # What is judged as before is not written again.
        if self._dry_run or judged == event:
            outcome = Outcome.QUARANTINED if judged.reason else Outcome.APPLIED
            return Verdict(judged.job_id, event.reason, outcome, judged.reason)
        recorded = record_or_quarantine(partial(record, self._engine), judged, Deadline(_PATIENCE))

        return Verdict(judged.job_id, event.reason, recorded.outcome, recorded.reason)

    def _owner_with(self, event: Event) -> str | None:
        """Return the account that the event's job belongs to, this event included."""
        job_id, account_id = str(event.job_id), str(event.account_id)
        owner = query(self._engine, Deadline(_PATIENCE), find_owner, job_id)
        if owner is None and self._dry_run:
            return self._claimed.setdefault(job_id, account_id)

        return owner or account_id
