"""A database role of the service, from which a test takes privileges."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture
def admin(migrated: str) -> Iterator[psycopg.Connection]:
    """Yield an administrator's connection to the service's database."""
    with psycopg.connect(migrated, autocommit=True) as connection:
        yield connection


@pytest.fixture
def role(admin: psycopg.Connection) -> Iterator[str]:
    """Yield a role that may do everything with the service's tables."""
    name = f"role_{uuid.uuid4().hex}"
    admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
    yield name
    admin.execute(f"DROP OWNED BY {name} CASCADE")
    admin.execute(f"DROP ROLE {name}")


@pytest.fixture
def role_url(admin: psycopg.Connection, role: str) -> str:
    """Return the URL of the service's database for the role."""
    info = admin.info

    return f"postgresql://{role}:{role}@{info.host}:{info.port}/{info.dbname}"
