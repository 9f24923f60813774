"""Keys: what signs a callback and what opens the read API, and how they are written in settings.

A list is comma-separated, blanks around an item and empty items are ignored. A fault names the item
by its position and never quotes it: what stands in the wrong place may be a secret.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from marshmallow import ValidationError

ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}")

Algorithm = Literal["HMAC_SHA1", "HMAC_SHA256"]
Key = TypeVar("Key")


@dataclass(frozen=True)
class SigningKey:
    """A secret with which Twilio signs, bound to its one algorithm.

    `id` is a SharedKey's id, the SID of the account that a token is bound to, or the token's place
    in the list (`auth-token-1`). `account` is that SID, None where the key isn't bound.
    """

    id: str
    secret: str = field(repr=False)
    algorithm: Algorithm
    account: str | None = None


@dataclass(frozen=True)
class ApiKey:
    """A client of the read API; `may_write` lets it submit jobs too."""

    name: str
    secret: str = field(repr=False)
    may_write: bool = False


def auth_tokens(text: str) -> tuple[SigningKey, ...]:
    """Read `token` or `ACsid=token`, comma-separated; raise ValidationError with every fault."""
    return _each(text, _auth_token)


def shared_keys(text: str) -> tuple[SigningKey, ...]:
    """Read `keyId=secret`, comma-separated; raise ValidationError with every fault.

    A request names the id of the key that signed it, so no id may stand there twice.
    """
    keys = _each(text, _shared_key)
    _refuse(_repeats((key.id for key in keys), "id; remove the key that is out of use"))

    return keys


def api_keys(text: str) -> tuple[ApiKey, ...]:
    """Read `name:secret`, `name:secret:write` or a bare `secret`, comma-separated.

    Raise ValidationError with every fault. A name tells who asked, and a Bearer secret comes
    without its name, so neither may stand there twice.
    """
    keys = _each(text, _api_key)
    names = (key.name for key in keys)
    secrets = (key.secret for key in keys)
    _refuse(
        _repeats(names, "name (a bare secret is named default); give each key its own")
        + _repeats(secrets, "secret; make a new one, for instance with `openssl rand -hex 32`")
    )

    return keys


def _auth_token(position: int, item: str) -> SigningKey:
    account, bound, token = item.rpartition("=")
    if not _usable(token):
        raise ValidationError("has no token; write token, or ACsid=token")
    if not bound:
        return SigningKey(f"auth-token-{position}", token, "HMAC_SHA1")
    if not ACCOUNT_SID.fullmatch(account):
        raise ValidationError(
            "does not begin with an account SID (AC and 32 hexadecimal digits in lower case) "
            "before its '='; write token, or ACsid=token"
        )

    return SigningKey(account, token, "HMAC_SHA1", account)


def _shared_key(_position: int, item: str) -> SigningKey:
    key_id, _, secret = (part.strip() for part in item.partition("="))
    if not (_usable(key_id) and _usable(secret)):
        raise ValidationError("is not keyId=secret; write both, as Twilio's Console shows them")

    return SigningKey(key_id, secret, "HMAC_SHA256")


def _api_key(_position: int, item: str) -> ApiKey:
    parts = [part.strip() for part in item.split(":")]
    if not all(map(_usable, parts)):
        raise ValidationError("has an empty or unusable part; write name:secret")
    match parts:
        case [secret]:
            return ApiKey("default", secret)
        case [_, "write"]:
            raise ValidationError("has no name; a key that may submit is name:secret:write")
        case [name, secret]:
            return ApiKey(name, secret)
        case [name, secret, "write"]:
            return ApiKey(name, secret, may_write=True)
        case _:
            raise ValidationError(
                "has more than a name and a secret; write name:secret or name:secret:write "
                "(neither may hold a colon or a comma)"
            )


def _usable(text: str) -> bool:
    # Clients disagree on how to encode anything else in an Authorization header (RFC 7617, 2.1).
    return text != "" and text.isascii() and text.isprintable() and " " not in text


def _each(text: str, read: Callable[[int, str], Key]) -> tuple[Key, ...]:
    keys, faults = [], []
    items = [item for item in map(str.strip, text.split(",")) if item]
    for position, item in enumerate(items, 1):
        try:
            keys.append(read(position, item))
        except ValidationError as error:
            faults += [f"item {position} {message}" for message in error.messages]
    _refuse(faults if items else ["holds nothing but commas; write at least one key"])

    return tuple(keys)


def _repeats(values: Iterable[str], what: str) -> list[str]:
    listed = list(values)

    return [
        f"item {position + 1} has an earlier item's {what}"
        for position, value in enumerate(listed)
        if value in listed[:position]
    ]


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ValidationError(faults)
