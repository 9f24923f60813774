"""`DEV_DATABASE_URL` may only address databases of this machine."""

import pytest

from dev.loopback import require_loopback


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/db",
        "postgres://user:password@127.0.0.1:5432/db?sslmode=disable",
        "postgresql://[::1]:5432/db",
    ],
)
def test_loopback_is_accepted(url: str) -> None:
    """A URL whose host is loopback, by name or by address, is accepted."""
    require_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example.com/db",
        "postgresql://localhost.example.com/db",
        "postgresql://localhost@db.example.com/db",
        "postgresql://user@db.example.com@localhost/db",
        "postgresql://localhost,db.example.com/db",
        "postgresql://[::1],db.example.com/db",
        "postgresql://localhost:5432,db.example.com:5432/db",
        "postgresql://localhost/db?host=db.example.com",
        "postgresql://localhost/db?hostaddr=192.0.2.1",
        "postgresql://localhost/db?service=production",
        "postgresql://localhost/db#?host=db.example.com",
        "postgresql://local\thost/db",
        "postgresql:///db",
        "host=db.example.com dbname=db",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    """A URL that any parser might read as another host is refused, and not repeated."""
    with pytest.raises(SystemExit, match="DEV_DATABASE_URL must be") as refusal:
        require_loopback(url)

    assert url not in str(refusal.value)
