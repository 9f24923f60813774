"""Which accounts are ours, so that their rejected requests have room of their own."""

from receiver.config import Settings
from receiver.store.rejected import Rooms


def rooms(settings: Settings) -> Rooms:
    """Return the rooms: for TWILIO_ACCOUNT_SID, and for each account that a token is bound to."""
    bound = {key.account for key in settings.signing_keys}

    return Rooms(frozenset(account for account in bound | {settings.account_sid} if account))
