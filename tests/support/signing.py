"""Twilio's side of the signature, for every test that needs a signed request.

It follows the algorithm's description (https://www.twilio.com/docs/usage/security), and uses
neither the code under test nor Twilio's SDK.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

Fields = Sequence[tuple[str, str]]

FORM = "application/x-www-form-urlencoded"


def sign(url: str, secret: str, *, form: Fields | None = None, algorithm: str = "HMAC_SHA1") -> str:
    """Return the X-Twilio-Signature of a request to `url`, with the fields of its form, if any."""
    values: dict[str, set[str]] = {}
    for name, value in form or ():
        values.setdefault(name, set()).add(value)
    text = url
    for name in sorted(values):
        for value in sorted(values[name]):
            text += name + value
    digest = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}[algorithm]

    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), digest)).decode()


def with_body_hash(url: str, body: bytes) -> str:
    """Return `url` with the hash of `body` as the last parameter of its query."""
    return f"{url}{'&' if '?' in url else '?'}bodySHA256={hashlib.sha256(body).hexdigest()}"


def headers(
    url: str,
    secret: str,
    *,
    form: Fields | None = None,
    key_id: str | None = None,
    content_type: str = "application/json",
) -> dict[str, str]:
    """Return the headers of a signed request to `url`, which contains its body's hash.

    `secret` is an auth token, or with `key_id` the secret of the SharedKey with that id.
    """
    algorithm = "HMAC_SHA256" if key_id else "HMAC_SHA1"
    settings = f"key={key_id},algorithm={algorithm}"

    return {
        "Content-Type": content_type if form is None else FORM,
        "X-Twilio-Signature": sign(url, secret, form=form, algorithm=algorithm),
        **({"X-Twilio-Webhooks-Signature-Settings": settings} if key_id else {}),
    }


def callback(
    url: str, secret: str, body: bytes, *, key_id: str | None = None
) -> tuple[str, dict[str, str]]:
    """Return the URL to call and the headers that make `body` a signed JSON callback."""
    called = with_body_hash(url, body)

    return called, headers(called, secret, key_id=key_id)
