"""Tests of a database that lost commits: a restored backup, or a failover to a standby behind."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import make_url

from app import create_app
from dev.postgres import Server
from receiver.reconcile.run import reconcile
from receiver.services import services_of
from receiver.store.completeness.figures import completeness
from receiver.store.completeness.missing import missing_jobs
from receiver.store.engine import make_engine
from tests.support.app import Twilio
from tests.support.environment import ENVIRON
from tests.support.postgres import new_database
from tests.support.samples import COMPLETED
from tests.support.world import world


def _callback(job_id: str) -> bytes:
    return COMPLETED.replace(b"voice_transcription_7n7hnd7sf68yfv5re42nvvz7aa", job_id.encode())


@pytest.mark.own_database
def test_reconcile_names_exactly_what_a_restore_lost(postgres: Server, migrated: str) -> None:
    """After a restore, reconcile reads back what conversations have, and the rest is missing."""
    app = create_app({**ENVIRON, "DATABASE_URL": migrated})
    twilio = Twilio(app.test_client())
    engine = services_of(app).engine
    with world(engine) as env:
        [before] = env.create(stored=False)
        assert twilio.call(_callback(before)).status_code == 204
        engine.dispose()
        with new_database(postgres, template=str(make_url(migrated).database)) as backup:
            [lost], [in_conversation] = env.create(stored=False), env.create()
            for job_id in (lost, in_conversation):
                assert twilio.call(_callback(job_id)).status_code == 204
            engine.dispose()
            env.simulator.finish()
            restored = make_engine(backup, pool_size=2)
            reconcile(replace(env.context, engine=restored))
            with restored.connect() as connection:
                now = env.context.clock()
                figures = completeness(connection, at=now, grace=timedelta(0))
                missing = [job["id"] for job in missing_jobs(connection, now, limit=10)]
            restored.dispose()
    assert missing == [lost]
    assert (figures.completed, figures.with_transcript) == (3, 2)
