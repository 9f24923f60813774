"""The endpoints of push with their secrets, and how settings list them.

PUSH_ENDPOINTS has the names and URLs, PUSH_SECRETS the secrets. Errors quote neither: a URL may
contain a secret too.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from marshmallow import ValidationError

from receiver.settings.items import parse_items, raise_if_any, repeats
from receiver.settings.urls import is_host, is_loopback, parse_url

# Each endpoint has a thread and a connection of its own.
MAX_ENDPOINTS = 20

# Names are values of a metric's label, and arguments of commands.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of Standard Webhooks, no secret
_MIN_SECRET_BYTES, _MAX_SECRET_BYTES = 24, 64
_MAX_SECRETS = 2  # of one endpoint: the old one and the new one

Named = tuple[str, str]  # the name of an endpoint, and its URL
NamedSecret = tuple[str, bytes]


@dataclass(frozen=True)
class PushEndpoint:
    """A URL to which changes are sent, signed with each of its secrets: two during a rotation."""

    name: str
    url: str = field(repr=False)  # its path or query may contain a secret
    secrets: tuple[bytes, ...] = field(repr=False)


def parse_urls(text: str) -> tuple[Named, ...]:
    """Parse `name=https://…`, comma-separated; raise ValidationError with all errors."""
    endpoints = parse_items(text, _parse_url)
    errors = [
        *repeats((name for name, _ in endpoints), "the name of an earlier item; choose another"),
        *repeats((url for _, url in endpoints), "the URL of an earlier item; remove one of them"),
    ]
    if len(endpoints) > MAX_ENDPOINTS:
        errors.append(f"has more than {MAX_ENDPOINTS} items; remove some")
    raise_if_any(errors)

    return endpoints


def parse_secrets(text: str) -> tuple[NamedSecret, ...]:
    """Parse `name=whsec_…`, comma-separated, two of one name during a rotation.

    Raises ValidationError with all errors. A secret has one endpoint only: with the secret of
    another one, its receiver could sign messages for this one.
    """
    secrets = parse_items(text, _parse_secret)
    names = [name for name, _ in secrets]
    raise_if_any(
        [
            *repeats(
                (secret for _, secret in secrets),
                "the secret of an earlier item; create a new one with `openssl rand -base64 32`",
            ),
            *(
                f"item {position} is one too many: an endpoint has at most {_MAX_SECRETS} secrets; "
                "remove the one that no receiver uses"
                for position, name in enumerate(names, 1)
                if names[:position].count(name) == _MAX_SECRETS + 1
            ),
        ]
    )

    return secrets


def pairing_errors(
    urls: Sequence[Named], secrets: Sequence[NamedSecret]
) -> tuple[list[str], list[str]]:
    """Return the errors of endpoints without a secret, and of secrets without an endpoint."""
    with_url, with_secret = ({name for name, _ in items} for items in (urls, secrets))
    without_secret = [
        f"item {position} has no secret in PUSH_SECRETS; add one as name=whsec_…, made with "
        "`openssl rand -base64 32`"
        for position, (name, _) in enumerate(urls, 1)
        if name not in with_secret
    ]
    without_url = [
        f"item {position} names no endpoint of PUSH_ENDPOINTS; write an endpoint's name, or "
        "remove the item"
        for position, (name, _) in enumerate(secrets, 1)
        if name not in with_url
    ]

    return without_secret, without_url


def make_endpoints(
    urls: Sequence[Named], secrets: Sequence[NamedSecret]
) -> tuple[PushEndpoint, ...]:
    """Return the endpoints, each with its secrets in their order."""
    return tuple(
        PushEndpoint(name, url, tuple(secret for owner, secret in secrets if owner == name))
        for name, url in urls
    )


def _parse_url(_position: int, item: str) -> Named:
    name, text = _split(item, "name=https://hooks.example.com/path (a comma in a URL as %2C)")
    url = parse_url(text)
    is_plain = url and is_host(url.netloc) and "#" not in text
    if not (url and is_plain and text.startswith(("https://", "http://"))):
        raise ValidationError(
            "has no URL that can be called; write name=https://hooks.example.com/path, without "
            "user name, password and fragment, and a comma in its query as %2C"
        )
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValidationError("is http to another machine; write https")

    return name, text


def _parse_secret(_position: int, item: str) -> NamedSecret:
    form = f"name={_SECRET_PREFIX}…, with the output of `openssl rand -base64 32` after the prefix"
    name, text = _split(item, form)
    try:
        secret = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except ValueError:
        secret = b""
    if not text.startswith(_SECRET_PREFIX) or not secret:
        raise ValidationError(f"has no secret in base64; write {form}")
    if not _MIN_SECRET_BYTES <= len(secret) <= _MAX_SECRET_BYTES:
        raise ValidationError(
            f"has a secret of another length than {_MIN_SECRET_BYTES} to {_MAX_SECRET_BYTES} "
            f"bytes; write {form}"
        )

    return name, secret


def _split(item: str, form: str) -> tuple[str, str]:
    name, equals, text = (part.strip() for part in item.partition("="))
    if not equals:
        raise ValidationError(f"has no '='; write {form}")
    if not _NAME.fullmatch(name):
        raise ValidationError(
            "has no name before its '='; write 1 to 32 letters, digits, _ or -, beginning with a "
            "letter or a digit"
        )

    return name, text
