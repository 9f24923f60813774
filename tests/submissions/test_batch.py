"""A batch of jobs, while Twilio answers with errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, select
from werkzeug.wrappers import Response

from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.faults import Faults
from receiver.simulator.server import serve
from receiver.store.tables import transcriptions
from receiver.submissions.batch import Batch
from receiver.submissions.csv_rows import Row, read_rows
from receiver.twilio.client import Twilio
from receiver.twilio.transport import rest_client
from tests.support.environment import TOKEN
from tests.support.samples import ACCOUNT
from tests.support.scripted import Scripted
from tests.support.simulator.account import recording, simulated

DELAY_SECONDS = 0.01


def _rows(count: int) -> list[Row]:
    lines = [f"{CALLBACK_ONLY},{recording(number)}" for number in range(count)]

    return read_rows("\n".join(["transcriptionConfigurationId,sourceId", *lines]).encode()).rows


@contextmanager
def _client(url: str) -> Iterator[Twilio]:
    with Twilio(rest_client((ACCOUNT, TOKEN), base_url=url, deadline=None)) as client:
        yield client


def _stored_recordings(engine: Engine) -> list[str]:
    """Return the recordings of all stored jobs."""
    with engine.connect() as connection:
        return sorted(connection.execute(select(transcriptions.c.source_id)).scalars())


def test_errors_of_twilio_make_no_second_job(engine: Engine) -> None:
    """Each row has one job in the end, although Twilio sometimes answers with 429 or 500."""
    faults = Faults(busy=0.1, broken=0.1)
    with serve(simulated(faults=faults, seed=1)) as served, _client(served.url) as client:
        results = list(
            Batch(engine, client, "test", first_delay_seconds=DELAY_SECONDS).run(_rows(40))
        )
        jobs = served.simulator.job_store.newest_first()
        assert {"busy", "broken"} <= {entry.event for entry in served.simulator.event_log.entries()}
    assert [result.fault for result in results] == [None] * 40
    assert len({result.job_id for result in results}) == 40
    expected = sorted(map(recording, range(40)))
    assert sorted(str(job.source_id) for job in jobs) == _stored_recordings(engine) == expected


@pytest.mark.parametrize("max_attempts", [1, 5])
def test_job_is_tried_a_limited_number_of_times(
    engine: Engine, scripted_twilio: Scripted, max_attempts: int
) -> None:
    """After the last attempt without an answer a job is left open."""
    scripted_twilio.answers(*[Response(status=500)] * (4 * max_attempts))
    with _client(scripted_twilio.url) as client:
        [result] = Batch(
            engine, client, "test", first_delay_seconds=DELAY_SECONDS, max_attempts=max_attempts
        ).run(_rows(1))
    assert (result.may_be_submitted, result.job_id, len(scripted_twilio.asked)) == (
        True,
        None,
        max_attempts,
    )
