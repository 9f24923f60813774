"""Tests of deploy/postgres/roles.sql: the service works with the least privileges, and no more."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from app import create_app
from dev.postgres import Server
from receiver.reconcile.run import reconcile
from receiver.services import services_of
from receiver.store.engine import LOG_SETTINGS
from receiver.store.migrate import migrate
from receiver.store.privileges import PRIVILEGES, find_missing_privileges
from receiver.store.requirements import UnsuitableDatabaseError
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import ENVIRON, KEY, open_engine
from tests.support.metrics import value
from tests.support.paths import ROOT
from tests.support.retention import REMOVE_ALL, run_pass
from tests.support.samples import COMPLETED
from tests.support.searching import index
from tests.support.world import world

ROLES = ("receiver_owner", "receiver_web")


@pytest.fixture
def urls(postgres: Server, database: str) -> Iterator[dict[str, str]]:
    """Yield a URL of the database for each role; the roles are removed afterwards."""
    password = uuid.uuid4().hex
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute((ROOT / "deploy/postgres/roles.sql").read_text())
        for role in ROLES:
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            admin.execute(statement.format(sql.Identifier(role), password))
        name = admin.info.dbname
        yield {
            role: f"postgresql://{role}:{password}@127.0.0.1:{postgres.port}/{name}"
            for role in ROLES
        }
        admin.execute("DROP OWNED BY receiver_web, receiver_owner CASCADE")
        admin.execute("DROP ROLE receiver_web, receiver_owner")


def _migrate(url: str) -> None:
    with open_engine(url) as engine:
        migrate(engine, report=lambda _: None)


def test_service_works_with_the_web_role(urls: dict[str, str]) -> None:
    """Callbacks, reads, commands and reconcile work with the web role after the owner migrated."""
    _migrate(urls["receiver_owner"])
    app = create_app({**ENVIRON, "DATABASE_URL": urls["receiver_web"], "SEARCH": "1"})
    client = app.test_client()
    twilio = Twilio(client)
    assert twilio.call(COMPLETED).status_code == 204
    assert twilio.call(b"no JSON").status_code == 204
    assert twilio.call(COMPLETED, secret="wrong").status_code == 403
    assert client.get("/readyz").status_code == 200
    services_of(app).metrics.write()
    page = client.get("/metrics", auth=KEY).text
    assert value(page, "receiver_jobs_completed") == value(page, "receiver_rejected_kept") == 1
    jobs = client.get("/v3/Transcriptions", auth=KEY).get_json()
    [job] = jobs["transcriptions"]
    assert client.get(f"/v3/Transcriptions/{job['id']}/Transcript", auth=KEY).status_code == 200
    services = services_of(app)
    assert index(services.engine) == {"indexed": 1}
    hits = client.get("/v3/Search?q=warehouse", auth=KEY).get_json()["hits"]
    assert [hit["transcriptionId"] for hit in hits] == [job["id"]]
    with services.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE transcriptions SET duration = 1")
    assert run(app, "rebuild", "--workers", "1").stdout == f"{job['id']}\n"
    for command in ("callbacks list", "callbacks replay --outcome quarantined", "rejected accept"):
        assert run(app, *command.split()).exit_code == 0
    with services.engine.connect() as connection:
        assert find_missing_privileges(connection, PRIVILEGES) == []
    with world(services.engine) as env:
        env.create(2)
        assert reconcile(env.context).found == 2
    assert run(app, "hold", "add", "case", "--job", "other", "--reason", "test").exit_code == 0
    assert run_pass(services.engine, REMOVE_ALL)["jobs"] == 3
    assert run(app, "hold", "remove", "case").exit_code == 0
    services.rejected.flush()
    services.engine.dispose()


@pytest.mark.parametrize("role", ROLES)
def test_roles_keep_values_out_of_the_log(urls: dict[str, str], role: str) -> None:
    """Both roles may set what keeps the values of statements out of Postgres's log."""
    with open_engine(urls[role]) as engine, engine.connect() as connection:
        for name in ("log_parameter_max_length", "log_error_verbosity"):
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == LOG_SETTINGS[name]
        for name in LOG_SETTINGS:
            may_set = "SELECT has_parameter_privilege(%(name)s, 'SET')"
            assert connection.exec_driver_sql(may_set, {"name": name}).scalar()


def test_web_role_can_not_change_the_schema(urls: dict[str, str]) -> None:
    """The web role can't migrate, and can't change, empty or create a table."""
    with pytest.raises(UnsuitableDatabaseError, match="GRANT CREATE ON SCHEMA public TO"):
        _migrate(urls["receiver_web"])
    _migrate(urls["receiver_owner"])
    _migrate(urls["receiver_web"])  # there is nothing to do
    with psycopg.connect(urls["receiver_web"], autocommit=True) as connection:
        for statement in (
            "DROP TABLE events",
            "TRUNCATE events",
            "ALTER TABLE events ADD extra text",
            "CREATE TABLE extra ()",
            "ALTER TABLE events DISABLE TRIGGER ALL",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)
