"""What to erase."""

import re
from typing import Literal, NamedTuple

# ITU-T E.164: a plus sign, and at most 15 digits, the first of which isn't 0.
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")

# What people write between the digits of a number. Copied text also has invisible characters.
_SEPARATORS = re.compile(r"[\s()./\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff-]+")
# `00` replaces the plus sign, and `(0)` is dialed only without the country code.
_INTERNATIONAL_PREFIX = re.compile(r"^00(?=[1-9])")
_TRUNK_PREFIX = re.compile(r"^((?:\+|00)[\s.-]*[1-9][0-9]{0,2}[\s./-]*)\(0\)")
_URI_SCHEME = re.compile(r"^\s*tel:", re.IGNORECASE)

_DIGITS = re.compile(r"\+?[0-9]+")
# Fewer digits are rather an extension or an id.
_MIN_NUMBER_DIGITS = 6


class Target(NamedTuple):
    """A job, a participant's address, or a conversation."""

    kind: Literal["job", "address", "conversation"]
    value: str


def is_e164(address: str) -> bool:
    """Return whether the address is a phone number as Twilio writes it."""
    return _E164.fullmatch(address) is not None


def normalize_address(address: str) -> str:
    """Return a phone number in E.164 form if it has its country code; any other address as it is.

    People write numbers with separators, with `00` for the plus sign, as `+49 (0)151 …`, or as
    `tel:…`.
    """
    number = _TRUNK_PREFIX.sub(r"\1", _URI_SCHEME.sub("", address).strip())
    bare = _INTERNATIONAL_PREFIX.sub("+", _SEPARATORS.sub("", number))

    return bare if is_e164(bare) else address


def ending_digits(address: str) -> str | None:
    """Return the digits in which the E.164 form of a number without its country code ends.

    None if it has its country code already, or isn't a phone number.
    """
    bare = _SEPARATORS.sub("", _URI_SCHEME.sub("", address))
    if is_e164(normalize_address(address)) or not _DIGITS.fullmatch(bare):
        return None
    digits = bare.lstrip("+0")

    return digits if len(digits) >= _MIN_NUMBER_DIGITS else None
