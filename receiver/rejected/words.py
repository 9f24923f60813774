"""What the operator is told about a rejected request: what to set, or that nothing was found."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from receiver.keys import SigningKey
from receiver.origin import without_credentials
from receiver.rejected.check import Remedy


def what_to_set(remedy: Remedy, lines: Mapping[SigningKey, int]) -> str:
    """Say what has to be set for the remedy.

    `lines` tells of each key that isn't set yet where it was given.
    """
    line = lines.get(remedy.key)
    variable = {"HMAC_SHA1": "TWILIO_AUTH_TOKEN", "HMAC_SHA256": "TWILIO_SIGNING_KEYS"}
    changes = [f"it is added to {variable[remedy.key.algorithm]}"] if line else []
    if remedy.public_url:
        changes.append(f"PUBLIC_URL is {_shown(remedy.public_url)}")
    key = f"the key on line {line}" if line else remedy.key.id
    if not changes:
        return f"verify today, with {key}: run `flask --app app rejected accept`"

    return f"verify with {key} if {' and '.join(changes)}"


def nothing_found(row: Row[Any]) -> str:
    """Say that nothing verifies it, and which SharedKey it names if it names any."""
    named = row.headers.get("X-Twilio-Webhooks-Signature-Settings")
    about = f" (they name {named[:100]!a})" if named else ""

    return f"no key and no origin that was tried verifies them{about}"


def _shown(url: str) -> str:
    plain = without_credentials(url)

    return plain if plain == url else f"{plain} (with its user and password)"
