"""What a pass came to, told as it was."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(kw_only=True)
class Report:
    """The counts of one pass.

    `checked`: how often Twilio told of a job, in its list or on being asked about that one; a job
    may count twice. `changed`: how often that was news. `found`: jobs that were not known here.
    `fetched_back`: missing transcripts that were read from a conversation. `resubmitted`: jobs
    whose recording was submitted again. `resumed`: submissions that had been left without an
    answer and have one now. `unknown`: jobs of which Twilio says that it knows nothing.
    `unusable`: what Twilio told and was quarantined. `errors`: what could not be asked.

    `listed`: every page of the list of jobs was read. `fault`: why the pass ended early, or did
    without the list. `wait`: in seconds, when to go on, if Twilio asked for patience.
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

    @property
    def has_failed(self) -> bool:
        """Whether anything that was due could not be asked."""
        return self.fault is not None or self.errors > 0

    @property
    def is_eventful(self) -> bool:
        """Whether there is anything to tell."""
        return self != Report(listed=self.listed)

    def to_dict(self) -> dict[str, Any]:
        """Return the report's members by their names."""
        return asdict(self)
