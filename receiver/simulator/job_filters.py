"""The filters of the list of jobs."""

from collections.abc import Callable, Mapping
from datetime import datetime

from receiver.simulator.clock import parse_date_time
from receiver.simulator.create_request import RECORDING_SID
from receiver.simulator.errors import Violation
from receiver.simulator.job import Job

FILTERS = ("status", "sourceId", "createdAfter", "createdBefore", "languageCode")
_STATUSES = ("PENDING", "RUNNING", "COMPLETED", "FAILED")


def filter_violations(filters: Mapping[str, str]) -> list[Violation]:
    """Return the violations of the filters' values."""
    checks: dict[str, tuple[Callable[[str], object], str]] = {
        "status": (_STATUSES.__contains__, "status must be one of the four statuses."),
        "sourceId": (RECORDING_SID.fullmatch, "sourceId must be a SID in lowercase hex."),
        "createdAfter": (parse_date_time, "createdAfter must be an RFC 3339 date-time."),
        "createdBefore": (parse_date_time, "createdBefore must be an RFC 3339 date-time."),
    }

    return [
        Violation(20001, checks[name][1], f"#/{name}")
        for name, value in filters.items()
        if name in checks and not checks[name][0](value)
    ]


def job_matcher(filters: Mapping[str, str], now: datetime) -> Callable[[Job], bool]:
    """Return a function that returns whether a job matches all filters.

    `createdAfter` is inclusive and `createdBefore` exclusive. Both are compared with the rendered
    time, which has whole seconds.
    """
    start = parse_date_time(filters.get("createdAfter"))
    end = parse_date_time(filters.get("createdBefore"))
    source_id, language = filters.get("sourceId"), filters.get("languageCode")
    status = filters.get("status")

    def matches(job: Job) -> bool:
        created_at = job.created_at.replace(microsecond=0)

        return (
            (status is None or job.status(now) == status)
            and (source_id is None or job.source_id == source_id)
            and (language is None or job.configuration["language"] == language)
            and (start is None or created_at >= start)
            and (end is None or created_at < end)
        )

    return matches
