"""The account at Twilio: who we are there, and how that is written in settings.

A fault never quotes what stands there: it may be a secret in the wrong place.
"""

import re
from collections.abc import Iterable

from marshmallow import ValidationError

from receiver.settings.keys import SigningKey

_API_KEY = re.compile(r"SK[0-9a-f]{32}")
_SECRET = re.compile(r"[!-~]+")
_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?/?")

Credentials = tuple[str, str]  # user name and password


def api_key(text: str) -> str:
    """Read an API key's SID, or raise ValidationError."""
    if not _API_KEY.fullmatch(text):
        raise ValidationError(
            "is not an API key's SID; write SK and 32 hexadecimal digits in lower case, as "
            "Twilio's Console shows it, or unset it"
        )

    return text


def api_secret(text: str) -> str:
    """Read an API key's secret, or raise ValidationError."""
    if not _SECRET.fullmatch(text):
        raise ValidationError(
            "holds a blank or what isn't ASCII; write the secret that Twilio's Console showed "
            "when the key was made, or unset it"
        )

    return text


def base_url(text: str) -> str:
    """Read the origin to call instead of Twilio, without a slash at its end.

    Raises ValidationError.
    """
    if not _ORIGIN.fullmatch(text):
        raise ValidationError(
            "is not an origin, without path and user; write http://127.0.0.1:9000 to call the "
            "simulator, or unset it to call Twilio"
        )

    return text.rstrip("/")


def credentials_of(account_sid: str, keys: Iterable[SigningKey]) -> Credentials | None:
    """Return the account's SID and the auth token that goes with it, if there is one.

    A token that is bound to the account goes first: one that isn't bound may be another account's.
    """
    tokens = [key for key in keys if key.algorithm == "HMAC_SHA1"]
    for account in (account_sid, None):
        for token in tokens:
            if token.account == account:
                return account_sid, token.secret

    return None
