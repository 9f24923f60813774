"""Tests of the keys that seal spooled files."""

import pytest

from receiver.settings.config import load
from tests.support.config import VALID

TOKEN, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
URL = "postgresql://user:{}@db/calls"


def _keys(**settings: str) -> set[bytes]:
    return set(load(VALID | settings).spool_keys)


def test_each_secret_has_its_own_key() -> None:
    """Each signing key and the database's password has a key, which doesn't contain the secret."""
    keys = _keys(
        TWILIO_AUTH_TOKEN=f"{TOKEN},{OTHER}",
        TWILIO_SIGNING_KEYS="id=shared",
        DATABASE_URL=URL.format("password"),
    )
    assert {len(key) for key in keys} == {32}
    assert len(keys) == 4
    assert keys > _keys(TWILIO_AUTH_TOKEN=TOKEN, DATABASE_URL="postgresql://db/calls")


@pytest.mark.parametrize(
    "change",
    [
        {"API_KEYS": "another:another-secret"},
        {"DATABASE_URL": URL.format("same").replace("db", "x")},
    ],
)
def test_other_settings_do_not_change_the_keys(change: dict[str, str]) -> None:
    """API keys, which clients know, and the database's host don't change the keys."""
    same = {"DATABASE_URL": URL.format("same")}
    assert _keys(**same) == _keys(**same | change)


def test_same_secret_has_the_same_key_everywhere() -> None:
    """A key depends on the secret alone, not on its id, its place or the account it is bound to."""
    bound = f"AC{'a' * 32}={TOKEN}"
    assert _keys(TWILIO_AUTH_TOKEN=bound) == _keys(TWILIO_AUTH_TOKEN=TOKEN)
