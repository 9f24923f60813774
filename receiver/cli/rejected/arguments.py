"""Reads the arguments of the `rejected` commands: ids, and candidates for settings.

Candidate keys are secrets: no message repeats them.
"""

from collections.abc import Iterable, Sequence
from typing import IO

from marshmallow import ValidationError

from receiver.cli.output import CommandError
from receiver.settings import values
from receiver.settings.keys import (
    ACCOUNT_SID_PATTERN,
    SigningKey,
    parse_auth_tokens,
    parse_shared_keys,
)

MAX_KEY_COUNT = 20  # each key is tried with every origin


def check_ids_exist(ids: Sequence[int], existing: Iterable[int]) -> None:
    """Raise CommandError if one of the ids isn't among the existing ones."""
    unknown = sorted(set(ids) - set(existing))
    if unknown:
        raise CommandError(
            f"there is no rejected request {', '.join(map(str, unknown))}: "
            "it was accepted already, or evicted to make room for newer ones."
        )


def read_candidate_keys(file: IO[str]) -> dict[SigningKey, int]:
    """Return the keys in the file, each with its line number; blank lines are ignored.

    Raises CommandError, which names the line.
    """
    try:
        lines = file.readlines()
    except UnicodeDecodeError:
        raise CommandError("the keys are not valid UTF-8 text.") from None
    keys: dict[SigningKey, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(keys) == MAX_KEY_COUNT:
            raise CommandError(f"there are more than {MAX_KEY_COUNT} keys: try fewer.")
        try:
            keys.setdefault(_parse_key(line.strip()), number)
        except ValidationError as error:
            raise CommandError(
                f"line {number} is not a key. Write token or ACsid=token as in TWILIO_AUTH_TOKEN, "
                "or keyId=secret as in TWILIO_SIGNING_KEYS."
            ) from error

    return keys


def parse_candidate_url(text: str) -> str:
    """Return a candidate for PUBLIC_URL, or raise CommandError."""
    try:
        return values.parse_public_url(text)
    except ValidationError as error:
        raise CommandError(f"--public-url {' '.join(map(str, error.messages))}.") from error


def _parse_key(line: str) -> SigningKey:
    name, separator, _ = line.partition("=")
    is_shared_key = separator and not ACCOUNT_SID_PATTERN.fullmatch(name.strip())
    keys = parse_shared_keys(line) if is_shared_key else parse_auth_tokens(line)
    if len(keys) != 1:
        raise ValidationError("There is more than one key.")

    return keys[0]
