"""Candidates for settings, given to a command to try: secrets, and so never echoed."""

from typing import IO

import click
from marshmallow import ValidationError

from receiver.settings import values
from receiver.settings.keys import (
    ACCOUNT_SID_PATTERN,
    SigningKey,
    parse_auth_tokens,
    parse_shared_keys,
)

_MOST = 20  # each is tried with every origin


def candidate_keys(file: IO[str]) -> dict[SigningKey, int]:
    """Return the keys in the file with their lines, of which blank ones are ignored.

    Raises click.ClickException, which names the line.
    """
    try:
        lines = file.readlines()
    except UnicodeDecodeError:
        raise click.ClickException("the keys aren't text in UTF-8.") from None
    keys: dict[SigningKey, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(keys) == _MOST:
            raise click.ClickException(f"more than {_MOST} keys: give fewer at a time.")
        try:
            keys.setdefault(_key(line.strip()), number)
        except ValidationError as error:
            raise click.ClickException(
                f"line {number} is no key; write token or ACsid=token as in TWILIO_AUTH_TOKEN, or "
                "keyId=secret as in TWILIO_SIGNING_KEYS."
            ) from error

    return keys


def candidate_url(text: str) -> str:
    """Return a candidate for PUBLIC_URL, or raise click.ClickException."""
    try:
        return values.parse_public_url(text)
    except ValidationError as error:
        raise click.ClickException(f"--public-url {' '.join(map(str, error.messages))}.") from error


def _key(line: str) -> SigningKey:
    name, separator, _ = line.partition("=")
    shared = separator and not ACCOUNT_SID_PATTERN.fullmatch(name.strip())
    keys = parse_shared_keys(line) if shared else parse_auth_tokens(line)
    if len(keys) != 1:
        raise ValidationError("more than one")

    return keys[0]
