"""Derives the keys that seal spooled files from the secrets in the settings."""

import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from receiver.settings.keys import SigningKey

_PURPOSE = b"transcription receiver: spooled file"


def derive_spool_keys(signing_keys: Iterable[SigningKey], database_url: str) -> tuple[bytes, ...]:
    """Return one key (32 bytes) for each signing key, and one for the database's password.

    All of them are known to the service alone, besides Twilio and the database. The database's
    password is rotated at other times than Twilio's keys, so a file stays valid during a rotation.
    The keys of API clients aren't used: the clients know them.
    """
    password = urlsplit(database_url).password
    secrets = [*(key.secret for key in signing_keys), *([password] if password else [])]

    return tuple(hmac.digest(_PURPOSE, secret.encode(), "sha256") for secret in secrets)
