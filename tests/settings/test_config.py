"""Tests of the settings: valid and invalid values, and that no message contains a value."""

from pathlib import Path
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.settings.config import ConfigError, Settings, load, variables
from receiver.settings.keys import ApiKey, SigningKey
from tests.support.config import SID, VALID, config_errors

# The prefix and the length make sure that no message contains such a value by chance.
SECRET_VALUES = st.text(ascii_letters + digits, min_size=12, max_size=40).map(
    lambda text: "zQ9" + text
)


def test_required_settings_are_enough() -> None:
    """The database, one token and one API key are enough; all other settings have defaults."""
    assert load(VALID) == Settings(
        database_url="postgresql://user:pass@db.example:5432/calls?sslmode=require",
        signing_keys=(SigningKey("auth-token-1", VALID["TWILIO_AUTH_TOKEN"], "HMAC_SHA1"),),
        api_keys=(ApiKey("reader", "s3cret"),),
        public_url=None,
        db_pool_size=4,
        max_body_bytes=2_097_152,
        log_level="INFO",
        port=8000,
        web_concurrency=2,
        spool_dir=None,
        spool_durable=False,
        account_sid=None,
        twilio_api_key=None,
        twilio_api_secret=None,
        twilio_base_url=None,
        reconcile_grace_seconds=900,
        retain_bodies_days=None,
        retain_metadata_days=None,
        retain_audit_days=365,
        retain_tombstones_days=None,
        push_endpoints=(),
    )


def test_all_errors_are_in_one_message() -> None:
    """One message names every missing variable, each in a line of its own."""
    with pytest.raises(ConfigError) as raised:
        load({})

    lines = raised.value.format_message().splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["DATABASE_URL", "API_KEYS", "TWILIO_AUTH_TOKEN"]


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_blank_variable_is_unset(blank: str) -> None:
    """A blank variable has its default."""
    blanks = dict.fromkeys(["PUBLIC_URL", "LOG_LEVEL", "PORT", "TWILIO_SIGNING_KEYS"], blank)

    assert load(VALID | blanks) == load(VALID)


def test_repr_contains_no_secret() -> None:
    """The settings' repr contains no password, token or secret, and no credentials of a URL."""
    shown = repr(
        load(
            {
                "DATABASE_URL": "postgres://user:zQ9database@db/calls",
                "TWILIO_AUTH_TOKEN": f"zQ9token,{SID}=zQ9bound",
                "TWILIO_SIGNING_KEYS": "id=zQ9shared",
                "API_KEYS": "reader:zQ9reader,zQ9bare",
                "PUBLIC_URL": "https://user:zQ9callback@app.example",
                "TWILIO_API_KEY": "SK" + SID[2:],
                "TWILIO_API_SECRET": "zQ9api",
            }
        )
    )

    assert "zQ9" not in shown
    assert "reader" in shown


@pytest.mark.parametrize(
    ("workers", "pool"), [("1", 8), ("2", 4), ("3", 2), ("5", 1), ("8", 1), ("9", 1)]
)
def test_default_pools_share_eight_connections(workers: str, pool: int) -> None:
    """The default pool is at least 1, and all workers together have at most 8 if possible."""
    assert load(VALID | {"WEB_CONCURRENCY": workers}).db_pool_size == pool
    assert load(VALID | {"WEB_CONCURRENCY": workers, "DB_POOL_SIZE": "7"}).db_pool_size == 7


@pytest.mark.parametrize(
    "name",
    [
        *("DB_POOL_SIZE", "MAX_BODY_BYTES", "PORT", "WEB_CONCURRENCY", "RECONCILE_GRACE_SECONDS"),
        *("RETAIN_BODIES_DAYS", "RETAIN_AUDIT_DAYS", "RETAIN_TOMBSTONES_DAYS"),
    ],
)
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "9" * 5000])
def test_invalid_number_is_rejected(name: str, text: str) -> None:
    """A number that is 0, negative, a fraction, a word or absurdly long is rejected."""
    (error,) = config_errors(**{name: text})

    assert error.startswith(f"{name} is not a whole number from 1")


def test_log_level_ignores_case() -> None:
    """A log level may be written in lower case, and an unknown one is rejected."""
    assert load(VALID | {"LOG_LEVEL": "debug"}).log_level == "DEBUG"
    assert config_errors(LOG_LEVEL="loud")[0].startswith("LOG_LEVEL is not a log level")


def test_sentry_dsn_is_an_https_url_with_a_key() -> None:
    """A DSN has a key and a project; it is never shown."""
    dsn = "https://abc0@o1.ingest.example/42"
    assert load(VALID | {"SENTRY_DSN": dsn}).sentry_dsn == dsn
    for wrong in ("abc0", "http://abc0@example.com/1", "https://example.com/1", f"{dsn}/x"):
        (error,) = config_errors(SENTRY_DSN=wrong)
        assert error.startswith("SENTRY_DSN is not a DSN")
        assert wrong not in error


def test_spool_is_durable_only_if_declared() -> None:
    """A spool is durable only if SPOOL_DURABLE is `1`."""
    spool = {"SPOOL_DIR": "/var/spool/calls"}
    for text, durable in (("", False), ("0", False), ("1", True)):
        settings = load(VALID | spool | {"SPOOL_DURABLE": text})
        assert settings.spool_dir == Path("/var/spool/calls")
        assert settings.spool_durable is durable


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"SPOOL_DIR": "spool"}, "SPOOL_DIR is not an absolute path"),
        ({"SPOOL_DIR": "~/spool"}, "SPOOL_DIR is not an absolute path"),
        ({"SPOOL_DIR": "/spool", "SPOOL_DURABLE": "yes"}, "SPOOL_DURABLE is neither 1 nor 0"),
        ({"SPOOL_DURABLE": "1"}, "SPOOL_DURABLE is 1 without SPOOL_DIR"),
        (
            {"SPOOL_DIR": "/spool", "SPOOL_DURABLE": "1", "DYNO": "web.1"},
            "SPOOL_DURABLE is 1 on a Heroku dyno",
        ),
    ],
)
def test_invalid_spool_is_rejected(changes: dict[str, str], expected: str) -> None:
    """A relative folder, an unknown word, or durability without folder or on a dyno is rejected."""
    (error,) = config_errors(**changes)

    assert error.startswith(expected)


def test_dyno_may_have_an_ephemeral_spool() -> None:
    """A spool that isn't durable is allowed on a Heroku dyno."""
    load(VALID | {"SPOOL_DIR": "/tmp/spool", "SPOOL_DURABLE": "0", "DYNO": "web.1"})


@given(
    st.lists(SECRET_VALUES, min_size=1, max_size=4),
    st.dictionaries(
        st.sampled_from(sorted(variables())),
        st.lists(st.sampled_from([",", ":", "=", "/", "@", "?", "#", "://", "AC", " ", "SECRET"])),
    ),
)
def test_error_message_contains_no_value(values: list[str], shapes: dict[str, list[str]]) -> None:
    """An error message contains no value of the environment."""
    environ = {
        name: values[position % len(values)].join(["", *shape, ""])
        for position, (name, shape) in enumerate(shapes.items())
    }
    with pytest.raises(ConfigError) as raised:
        load(environ)

    assert not any(value in raised.value.format_message() for value in values)
