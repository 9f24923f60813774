"""What to erase."""

import re
from typing import Literal, NamedTuple

# ITU-T E.164: a plus sign, and at most 15 digits, the first of which isn't 0.
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


class Target(NamedTuple):
    """A job, a participant's address, or a conversation."""

    kind: Literal["job", "address", "conversation"]
    value: str


def is_e164(address: str) -> bool:
    """Return whether the address is a phone number as Twilio writes it."""
    return _E164.fullmatch(address) is not None
