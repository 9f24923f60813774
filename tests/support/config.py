"""A valid environment for the settings' tests, and the errors of an invalid one."""

import pytest

from receiver.settings.config import ConfigError, load

SID = "AC" + "0123456789abcdef" * 2
VALID = {
    "DATABASE_URL": "postgres://user:pass@db.example:5432/calls?sslmode=require",
    "TWILIO_AUTH_TOKEN": "0123456789abcdef" * 2,
    "API_KEYS": "reader:s3cret",
}


def config_errors(**changes: str) -> list[str]:
    """Load the valid environment with `changes`, and return the message's lines of errors."""
    with pytest.raises(ConfigError) as raised:
        load(VALID | changes)

    return [line.strip() for line in raised.value.format_message().splitlines()[1:]]
