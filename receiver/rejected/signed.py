"""What a kept request's signature speaks about, supposing that Twilio called a certain origin."""

from typing import Any

from sqlalchemy import Row

from receiver.signatures.signature import SignedRequest


def as_signed(row: Row[Any], public_url: str | None) -> SignedRequest:
    """Return the request as the signature check takes it, under this PUBLIC_URL.

    With None the origin is the request's own, as it was when it came.
    """
    return SignedRequest(
        url=(public_url or row.origin) + row.target,
        signature=row.headers.get("X-Twilio-Signature"),
        settings=row.headers.get("X-Twilio-Webhooks-Signature-Settings"),
        content_type=row.headers.get("Content-Type"),
    )
