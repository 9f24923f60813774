"""The jobs that earlier runs of `submit --from-csv` made of the rows, and those that FAILED."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Engine

from receiver.store.jobs.failures import Failure, failures
from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from receiver.store.submissions.outbox import accepted_jobs
from receiver.submissions.csv_rows import Row

MAX_KEYS_PER_STATEMENT = 1000


@dataclass(frozen=True)
class EarlierJobs:
    """The rows' jobs, by the rows' keys.

    `jobs`: the newest job of each row: the one that was submitted again, if there is one. `failed`:
    Twilio's error code of those that FAILED, None if it isn't known. `resubmittable`: the failed
    jobs that were not submitted again; a job that replaced another one isn't among them.
    """

    jobs: Mapping[str, str]
    failed: Mapping[str, int | None]
    resubmittable: Mapping[str, str]

    def resubmissions(self, rows: Sequence[Row]) -> dict[str, Row]:
        """Return the rows to submit again, by the keys of the earlier rows.

        The new key follows from the failed job's id. So no job is submitted again twice.
        """
        return {
            row.key: replace(row, key=f"{RESUBMISSION_PREFIX}{self.resubmittable[row.key]}")
            for row in rows
            if row.key in self.resubmittable
        }


def load_earlier_jobs(engine: Engine, rows: Sequence[Row]) -> EarlierJobs:
    """Return the jobs of the rows that earlier runs submitted."""
    with engine.connect() as connection:
        first = _accepted_jobs(connection, [row.key for row in rows])
        failed = _failures(connection, first)
        resubmitted = {
            key: str(failure["resubmitted_as"])
            for key, failure in failed.items()
            if failure["resubmitted_as"]
        }
        failed_again = _failures(connection, resubmitted)
    still_failed = {key: row for key, row in failed.items() if key not in resubmitted}

    return EarlierJobs(
        jobs=first | resubmitted,
        failed={key: failure["code"] for key, failure in (still_failed | failed_again).items()},
        resubmittable={key: first[key] for key in still_failed},
    )


def _accepted_jobs(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    jobs: dict[str, str] = {}
    for part in _parts(keys):
        accepted = accepted_jobs(connection, part)
        jobs |= {key: job_id for key, job_id in accepted.items() if job_id}

    return jobs


def _failures(connection: Connection, jobs: Mapping[str, str]) -> dict[str, Failure]:
    """Return the failures among the jobs, by the keys of their rows."""
    failed: dict[str, Failure] = {}
    for part in _parts(list(jobs)):
        by_job = failures(connection, [jobs[key] for key in part])
        failed |= {key: by_job[jobs[key]] for key in part if jobs[key] in by_job}

    return failed


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), MAX_KEYS_PER_STATEMENT):
        yield keys[start : start + MAX_KEYS_PER_STATEMENT]
