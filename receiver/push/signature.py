"""Signs a message as Standard Webhooks describes it (https://www.standardwebhooks.com)."""

import base64
import hmac
from collections.abc import Iterable


def signature_headers(
    message_id: str, body: bytes, secrets: Iterable[bytes], *, unix_seconds: int
) -> dict[str, str]:
    """Return the headers of a message that is sent at this time, with a signature per secret.

    The id must not contain a full stop, which separates the parts of what is signed.
    """
    signed = b"%b.%d.%b" % (message_id.encode(), unix_seconds, body)
    digests = [hmac.digest(secret, signed, "sha256") for secret in secrets]

    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(unix_seconds),
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(digest).decode()}" for digest in digests
        ),
    }
