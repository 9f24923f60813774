"""The simulated account and its port: what the receiver's settings say about both."""

from urllib.parse import urlsplit

from receiver.cli.output import CommandError
from receiver.settings.config import Settings

_DEFAULT_PORT = 9000
_NO_ACCOUNT = f"AC{'0' * 32}"  # if the settings contain no account


def account_sid(settings: Settings) -> str:
    """Return the account's SID: TWILIO_ACCOUNT_SID, or the account of the first key with one."""
    bound = (key.account for key in settings.signing_keys if key.account)

    return settings.account_sid or next(bound, _NO_ACCOUNT)


def default_port(settings: Settings) -> int:
    """Return the port at which the receiver looks for Twilio, or 9000."""
    return urlsplit(settings.twilio_base_url or "").port or _DEFAULT_PORT


def credentials(settings: Settings) -> set[tuple[str, str]]:
    """Return all pairs of user and password that the receiver could call Twilio with.

    Raises CommandError if there are none.
    """
    sid = account_sid(settings)
    tokens = [key for key in settings.signing_keys if key.algorithm == "HMAC_SHA1"]
    pairs = {(sid, key.secret) for key in tokens if key.account in {None, sid}}
    pairs.update(settings.twilio_credentials)
    if not pairs:
        raise CommandError(
            "the settings have no credentials for this account: set TWILIO_AUTH_TOKEN, or "
            "TWILIO_API_KEY and TWILIO_API_SECRET."
        )

    return pairs


def signing_key(settings: Settings) -> str | tuple[str, str]:
    """Return the first auth token; without one, the first SharedKey as its id and secret."""
    keys = sorted(settings.signing_keys, key=lambda key: key.algorithm != "HMAC_SHA1")

    return keys[0].secret if keys[0].algorithm == "HMAC_SHA1" else (keys[0].id, keys[0].secret)
