"""Signs callbacks as Twilio does, with the algorithm of Twilio's SDK."""

from dataclasses import dataclass, field
from hashlib import sha256

from twilio.request_validator import RequestValidator


@dataclass(frozen=True)
class Signer:
    """Signs with an auth token (HMAC_SHA1), or with the secret of a SharedKey (HMAC_SHA256)."""

    secret: str = field(repr=False)
    key_id: str | None = None  # the SharedKey's id; None for an auth token

    def sign(self, url: str, body: bytes) -> tuple[str, dict[str, str]]:
        """Return the URL with the body's hash, and the headers with the signature."""
        signed_url = f"{url}{'&' if '?' in url else '?'}bodySHA256={sha256(body).hexdigest()}"
        algorithm = "HMAC_SHA256" if self.key_id else "HMAC_SHA1"
        signature = RequestValidator(self.secret).compute_signature(signed_url, {}, algorithm)
        headers = {"X-Twilio-Signature": signature}
        if self.key_id:
            settings = f"key={self.key_id},algorithm={algorithm}"
            headers["X-Twilio-Webhooks-Signature-Settings"] = settings

        return signed_url, headers
