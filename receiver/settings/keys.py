"""The keys that sign callbacks, the keys of API clients, and how settings list them.

Lists are comma-separated. Blanks around an item and empty items are ignored. An error names the
item by its position and never quotes it: it may be a secret in the wrong place.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from marshmallow import ValidationError

ACCOUNT_SID_PATTERN = re.compile(r"AC[0-9a-f]{32}")

Algorithm = Literal["HMAC_SHA1", "HMAC_SHA256"]
Key = TypeVar("Key")


@dataclass(frozen=True)
class SigningKey:
    """A secret with which Twilio signs, and its algorithm.

    `id` is a SharedKey's id, the SID of the account that a token is bound to, or the token's
    position in the list (`auth-token-1`). `account` is that SID, None if the key isn't bound.
    """

    id: str
    secret: str = field(repr=False)
    algorithm: Algorithm
    account: str | None = None


@dataclass(frozen=True)
class ApiKey:
    """The key of an API client; `may_write` lets the client submit jobs too."""

    name: str
    secret: str = field(repr=False)
    may_write: bool = False


def parse_auth_tokens(text: str) -> tuple[SigningKey, ...]:
    """Parse `token` or `ACsid=token`, comma-separated; raise ValidationError with all errors."""
    return _parse_items(text, _parse_auth_token)


def parse_shared_keys(text: str) -> tuple[SigningKey, ...]:
    """Parse `keyId=secret`, comma-separated; raise ValidationError with all errors.

    A request names the id of the key that signed it, so ids must be unique.
    """
    keys = _parse_items(text, _parse_shared_key)
    ids = (key.id for key in keys)
    _raise_if_any(_repeats(ids, "the id of an earlier item; remove the key that isn't used"))

    return keys


def parse_api_keys(text: str) -> tuple[ApiKey, ...]:
    """Parse `name:secret`, `name:secret:write` or a bare `secret`, comma-separated.

    Raises ValidationError with all errors. Names must be unique, since they identify the client.
    Secrets must be unique, since a Bearer secret is sent without its name.
    """
    keys = _parse_items(text, _parse_api_key)
    names = (key.name for key in keys)
    secrets = (key.secret for key in keys)
    _raise_if_any(
        _repeats(
            names,
            "the name of an earlier item (a bare secret is named default); "
            "give each key a name of its own",
        )
        + _repeats(
            secrets,
            "the secret of an earlier item; create a new one, for example with "
            "`openssl rand -hex 32`",
        )
    )

    return keys


def _parse_auth_token(position: int, item: str) -> SigningKey:
    account, bound, token = item.rpartition("=")
    if not _is_usable(token):
        raise ValidationError("has no token; write token, or ACsid=token")
    if not bound:
        return SigningKey(f"auth-token-{position}", token, "HMAC_SHA1")
    if not ACCOUNT_SID_PATTERN.fullmatch(account):
        raise ValidationError(
            "has no account SID (AC and 32 hexadecimal digits in lower case) before its '='; "
            "write token, or ACsid=token"
        )

    return SigningKey(account, token, "HMAC_SHA1", account)


def _parse_shared_key(_position: int, item: str) -> SigningKey:
    key_id, _, secret = (part.strip() for part in item.partition("="))
    if not (_is_usable(key_id) and _is_usable(secret)):
        raise ValidationError("is not keyId=secret; write both, as Twilio's Console shows them")

    return SigningKey(key_id, secret, "HMAC_SHA256")


def _parse_api_key(_position: int, item: str) -> ApiKey:
    parts = [part.strip() for part in item.split(":")]
    if not all(map(_is_usable, parts)):
        raise ValidationError("has an empty or unusable part; write name:secret")
    match parts:
        case [secret]:
            return ApiKey("default", secret)
        case [_, "write"]:
            raise ValidationError(
                "has no name; write name:secret:write for a key that may submit jobs"
            )
        case [name, secret]:
            return ApiKey(name, secret)
        case [name, secret, "write"]:
            return ApiKey(name, secret, may_write=True)
        case _:
            raise ValidationError(
                "has too many parts; write name:secret or name:secret:write "
                "(a name or secret can't contain a colon or a comma)"
            )


def _is_usable(text: str) -> bool:
    # Clients encode other characters in an Authorization header differently (RFC 7617, 2.1).
    return text != "" and text.isascii() and text.isprintable() and " " not in text


def _parse_items(text: str, parse: Callable[[int, str], Key]) -> tuple[Key, ...]:
    keys, errors = [], []
    items = [item for item in map(str.strip, text.split(",")) if item]
    for position, item in enumerate(items, 1):
        try:
            keys.append(parse(position, item))
        except ValidationError as error:
            errors += [f"item {position} {message}" for message in error.messages]
    _raise_if_any(errors if items else ["contains only commas; write at least one key"])

    return tuple(keys)


def _repeats(values: Iterable[str], description: str) -> list[str]:
    listed = list(values)

    return [
        f"item {position} repeats {description}"
        for position, value in enumerate(listed, 1)
        if value in listed[: position - 1]
    ]


def _raise_if_any(errors: list[str]) -> None:
    if errors:
        raise ValidationError(errors)
