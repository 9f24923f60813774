"""The credentials for calls to Twilio, and how they are written in settings.

Errors never quote the text: it may be a secret in the wrong place.
"""

import re
from collections.abc import Iterable

from marshmallow import ValidationError

from receiver.settings.keys import ACCOUNT_SID_PATTERN, SigningKey

_API_KEY_PATTERN = re.compile(r"SK[0-9a-f]{32}")
_SECRET_PATTERN = re.compile(r"[!-~]+")  # printable ASCII without blanks

Credentials = tuple[str, str]  # user name and password


def parse_account_sid(text: str) -> str:
    """Return an account's SID, or raise ValidationError."""
    return _require_match(
        ACCOUNT_SID_PATTERN,
        text,
        "is not an account SID; write AC and 32 hexadecimal digits in lower case, as Twilio's "
        "Console shows it, or unset it",
    )


def parse_api_key(text: str) -> str:
    """Return an API key's SID, or raise ValidationError."""
    return _require_match(
        _API_KEY_PATTERN,
        text,
        "is not an API key's SID; write SK and 32 hexadecimal digits in lower case, as "
        "Twilio's Console shows it, or unset it",
    )


def parse_api_secret(text: str) -> str:
    """Return an API key's secret, or raise ValidationError."""
    return _require_match(
        _SECRET_PATTERN,
        text,
        "contains a blank or a character outside ASCII; write the secret that Twilio's Console "
        "showed when the key was created, or unset it",
    )


def _require_match(pattern: re.Pattern[str], text: str, error: str) -> str:
    if not pattern.fullmatch(text):
        raise ValidationError(error)

    return text


def credentials_of(account_sid: str, keys: Iterable[SigningKey]) -> tuple[Credentials, ...]:
    """Return the account's SID with each auth token that may be the account's.

    If tokens are bound to the account, only these: other tokens may belong to another account.
    """
    tokens = [key for key in keys if key.algorithm == "HMAC_SHA1"]
    for account in (account_sid, None):
        if secrets := [token.secret for token in tokens if token.account == account]:
            return tuple((account_sid, secret) for secret in secrets)

    return ()
