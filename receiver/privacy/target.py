"""What to erase."""

import re
from typing import Literal, NamedTuple

# ITU-T E.164: a plus sign, and at most 15 digits, the first of which isn't 0.
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


# What people write between the digits of a number.
_SEPARATORS = re.compile(r"[\s()./\u2010-\u2015-]+")


class Target(NamedTuple):
    """A job, a participant's address, or a conversation."""

    kind: Literal["job", "address", "conversation"]
    value: str


def is_e164(address: str) -> bool:
    """Return whether the address is a phone number as Twilio writes it."""
    return _E164.fullmatch(address) is not None


def normalize_address(address: str) -> str:
    """Return a phone number without separators if it is E.164 then; any other address as it is."""
    bare = _SEPARATORS.sub("", address)

    return bare if is_e164(bare) else address
