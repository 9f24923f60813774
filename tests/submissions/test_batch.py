"""Many jobs at once, while Twilio makes trouble."""

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
from tests.support.scripted import Scripted
from tests.support.simulator.account import ACCOUNT, TOKEN, recording, simulated

SOON = 0.01  # seconds


def _rows(count: int) -> list[Row]:
    lines = [f"{CALLBACK_ONLY},{recording(number)}" for number in range(count)]

    return read_rows(["transcriptionConfigurationId,sourceId", *lines]).rows


@contextmanager
def _client(url: str) -> Iterator[Twilio]:
    with Twilio(rest_client((ACCOUNT, TOKEN), base_url=url, deadline=None)) as client:
        yield client


def _stored(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.execute(select(transcriptions.c.source_id)).scalars())


def test_trouble_at_twilio_makes_no_second_job(engine: Engine) -> None:
    """Where requests meet 429 and 500, done or not, each row has its one job in the end."""
    faults = Faults(busy=0.1, broken=0.1)
    with serve(simulated(faults=faults, seed=1)) as served, _client(served.url) as client:
        results = list(Batch(engine, client, "test", first_delay_seconds=SOON).run(_rows(40)))
        jobs = served.simulator.job_store.newest_first()
        assert {"busy", "broken"} <= {entry.event for entry in served.simulator.event_log.entries()}
    assert [result.fault for result in results] == [None] * 40
    assert len({result.job_id for result in results}) == 40
    wanted = sorted(map(recording, range(40)))
    assert sorted(str(job.source_id) for job in jobs) == _stored(engine) == wanted


@pytest.mark.parametrize("tries", [1, 5])
def test_a_job_is_tried_so_often(engine: Engine, scripted_twilio: Scripted, tries: int) -> None:
    """While Twilio doesn't answer; then the job is left open, and the rows after it untried."""
    scripted_twilio.answers(*[Response(status=500)] * (4 * tries))
    with _client(scripted_twilio.url) as client:
        [result] = Batch(engine, client, "test", first_delay_seconds=SOON, max_attempts=tries).run(
            _rows(1)
        )
    assert (result.may_be_submitted, result.job_id, len(scripted_twilio.asked)) == (
        True,
        None,
        tries,
    )
