"""The report of a pass: counts, which add up, and what went wrong."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one step did; the sum of the steps' reports is what a pass did.

    `checked`: how often Twilio described a job, in its list or in a response about that job; a job
    may count twice. `changed`: how often this was new information. `found`: jobs that the store did
    not have. `fetched_back`: missing transcripts that were read from a conversation. `resubmitted`:
    jobs that were submitted again. `resumed`: submissions without an answer that have one now.
    `unknown`: jobs that Twilio does not have. `unusable`: documents from Twilio that were
    quarantined. `errors`: requests that failed.

    `listed`: every page of the list of jobs was read. `fault`: why the pass ended early, or skipped
    the list. `wait`: the seconds until the next pass, if Twilio answered 429.
    """

    checked: int = 0
    changed: int = 0
    found: int = 0
    fetched_back: int = 0
    resubmitted: int = 0
    resumed: int = 0
    unknown: int = 0
    unusable: int = 0
    errors: int = 0
    listed: bool = False
    fault: str | None = None
    wait: float | None = None

    def __add__(self, other: "Report") -> "Report":
        """Return the sum; a fault that occurred in both is named once."""
        return Report(
            checked=self.checked + other.checked,
            changed=self.changed + other.changed,
            found=self.found + other.found,
            fetched_back=self.fetched_back + other.fetched_back,
            resubmitted=self.resubmitted + other.resubmitted,
            resumed=self.resumed + other.resumed,
            unknown=self.unknown + other.unknown,
            unusable=self.unusable + other.unusable,
            errors=self.errors + other.errors,
            listed=self.listed or other.listed,
            fault=_joined(self.fault, other.fault),
            wait=self.wait if other.wait is None else other.wait,
        )

    @property
    def has_failed(self) -> bool:
        """Whether something that was due could not be done."""
        return self.fault is not None or self.errors > 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened that is worth a line in the log."""
        return self == Report(listed=self.listed)

    def to_dict(self) -> dict[str, Any]:
        """Return the report's members by name."""
        return asdict(self)


# A step yields a report as soon as there is something to count. So no count is lost if an error
# ends the step.
Reports = Iterator[Report]


def _joined(fault: str | None, other: str | None) -> str | None:
    if not fault or not other:
        return fault or other

    return fault if other in fault else f"{fault} {other}"
