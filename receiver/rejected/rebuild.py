"""Rebuilds a signed request from a stored one, to check its signature again."""

from typing import Any

from sqlalchemy import Row

from receiver.signatures.signature import SignedRequest
from receiver.signatures.url import join_url


def rebuild_signed_request(row: Row[Any], public_url: str | None) -> SignedRequest:
    """Return the request as Twilio signed it if it called this PUBLIC_URL.

    With None, the origin is that of the request when it was received.
    """
    return SignedRequest(
        url=join_url(public_url or row.origin, row.target),
        signature=row.headers.get("X-Twilio-Signature"),
        settings=row.headers.get("X-Twilio-Webhooks-Signature-Settings"),
        content_type=row.headers.get("Content-Type"),
    )
