"""The keys that sign callbacks, the keys of API clients, and how settings list them."""

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

from marshmallow import ValidationError

from receiver.settings.items import parse_items, raise_if_any, repeats

ACCOUNT_SID_PATTERN = re.compile(r"AC[0-9a-f]{32}")

Algorithm = Literal["HMAC_SHA1", "HMAC_SHA256"]
Scope = Literal[
    "write",  # the client may submit jobs
    "erase",  # it may erase jobs
    "console",  # it may sign in to the console, and replay quarantined callbacks there
    "metrics",  # it may read /metrics; with this scope alone, nothing else
]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class SigningKey:
    """A secret with which Twilio signs, and its algorithm.

    `id` is a SharedKey's id, the SID of the account that a token is bound to, or the token's
    position in the list (`auth-token-1`). `account` is the SID of the account that the key is bound
    to, None if it isn't bound: then it may sign for every account.
    """

    id: str
    secret: str = field(repr=False)
    algorithm: Algorithm
    account: str | None = None

    @property
    def stored_id(self) -> str:
        """The id that is stored with an event. It names the account of a bound key.

        So the account stays known after the key was removed from the settings (`bound_account`).
        """
        is_bound_shared_key = self.account and self.id != self.account

        return f"{self.id}@{self.account}" if is_bound_shared_key else self.id


def bound_account(stored_id: str | None) -> str | None:
    """Return the account in a `SigningKey.stored_id`, None if that key was not bound."""
    account = (stored_id or "").rpartition("@")[2]

    return account if ACCOUNT_SID_PATTERN.fullmatch(account) else None


@dataclass(frozen=True)
class ApiKey:
    """The key of an API client; `scopes` says what it may do besides reading.

    A key that is bound to an `account` may see and touch the jobs of that account only.
    """

    name: str
    secret: str = field(repr=False)
    scopes: frozenset[Scope] = frozenset()
    account: str | None = None

    @property
    def may_read(self) -> bool:
        """Whether the client may read jobs; every key may, unless it is for the metrics only."""
        return self.scopes != {"metrics"}


def parse_auth_tokens(text: str) -> tuple[SigningKey, ...]:
    """Parse `token` or `ACsid=token`, comma-separated; raise ValidationError with all errors."""
    return parse_items(text, _parse_auth_token)


def parse_shared_keys(text: str) -> tuple[SigningKey, ...]:
    """Parse `keyId=secret` or `keyId@ACsid=secret`, comma-separated.

    Raises ValidationError with all errors. A request names the id of the key that signed it, so ids
    must be unique.
    """
    keys = parse_items(text, _parse_shared_key)
    ids = (key.id for key in keys)
    raise_if_any(repeats(ids, "the id of an earlier item; remove the key that isn't used"))

    return keys


def parse_api_keys(text: str) -> tuple[ApiKey, ...]:
    """Parse `name:secret`, `name:secret:scopes` or a bare `secret`, comma-separated.

    `name@ACsid` binds the key to an account, and `scopes` are separated by `+`. Raises
    ValidationError with all errors. Names must be unique, since they identify the client. Secrets
    must be unique, since a Bearer secret is sent without its name.
    """
    keys = parse_items(text, _parse_api_key)
    names = (key.name for key in keys)
    secrets = (key.secret for key in keys)
    raise_if_any(
        repeats(
            names,
            "the name of an earlier item (a bare secret is named default); "
            "give each key a name of its own",
        )
        + repeats(
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
    named, _, secret = (part.strip() for part in item.partition("="))
    key_id, account = _split_account(named)
    if not (_is_usable(key_id) and _is_usable(secret)):
        raise ValidationError(
            "is not keyId=secret or keyId@ACsid=secret; write id and secret as Twilio's Console "
            "shows them"
        )

    return SigningKey(key_id, secret, "HMAC_SHA256", account)


def _parse_api_key(_position: int, item: str) -> ApiKey:
    parts = [part.strip() for part in item.split(":")]
    if not all(map(_is_usable, parts)):
        raise ValidationError("has an empty or unusable part; write name:secret")
    match parts:
        case [secret]:
            if bound_account(secret):
                raise ValidationError("has no secret; write name@ACsid:secret")
            return ApiKey("default", secret)
        case [_, scopes] if set(scopes.split("+")) <= set(SCOPES):
            raise ValidationError(
                f"has no name; write name:secret:{scopes} for a key with this scope"
            )
        case [named, secret]:
            return _api_key(named, secret, frozenset())
        case [named, secret, scopes]:
            return _api_key(named, secret, _parse_scopes(scopes))
        case _:
            raise ValidationError(
                "has too many parts; write name:secret or name:secret:write "
                "(a name or secret can't contain a colon or a comma)"
            )


def _api_key(named: str, secret: str, scopes: frozenset[Scope]) -> ApiKey:
    name, account = _split_account(named)
    if not name:
        raise ValidationError("has no name before its '@'; write name@ACsid:secret")

    return ApiKey(name, secret, scopes, account)


def _parse_scopes(text: str) -> frozenset[Scope]:
    given = set(text.split("+"))
    if not given <= set(SCOPES):
        raise ValidationError(
            f"has an unknown scope; the known scopes are: {', '.join(SCOPES)} (write "
            "name:secret:scope, several scopes as scope+scope, or name:secret for a key that may "
            "only read)"
        )

    return frozenset(scope for scope in SCOPES if scope in given)


def _split_account(text: str) -> tuple[str, str | None]:
    """Return the name and the account of `name` or `name@ACsid`.

    Any other text after an `@` is an error: a mistyped SID must not make a key without limits.
    """
    name, at, account = text.rpartition("@")
    if not at:
        return text, None
    if not ACCOUNT_SID_PATTERN.fullmatch(account):
        raise ValidationError(
            "has no account SID (AC and 32 hexadecimal digits in lower case) after its '@'; write "
            "the SID, or remove the '@'"
        )

    return name, account


def _is_usable(text: str) -> bool:
    # Clients encode other characters in an Authorization header differently (RFC 7617, 2.1).
    return text != "" and text.isascii() and text.isprintable() and " " not in text
