"""Builds the test callback, signed as Twilio signs."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from twilio.request_validator import RequestValidator

from receiver.runtime.utc import format_utc
from receiver.settings.keys import SigningKey
from receiver.settings.urls import CALLBACK_PATH

TEST_SENTENCE = "This is a test that flask doctor sent."
_NO_ACCOUNT = "AC" + "0" * 32


@dataclass(frozen=True)
class SignedCallback:
    """A request as Twilio would send it."""

    url: str
    headers: dict[str, str]
    body: bytes


def signed_callback(
    origin: str, key: SigningKey, job_id: str, *, account_id: str | None, min_bytes: int = 0
) -> SignedCallback:
    """Return the callback of an account's completed job; its text begins with TEST_SENTENCE.

    Without an account, the job has one that doesn't exist. The text is longer if the body would
    have less than `min_bytes`.
    """
    account = account_id or _NO_ACCOUNT
    body = _body(job_id, account, TEST_SENTENCE)
    if len(body) < min_bytes:
        body = _body(job_id, account, TEST_SENTENCE + "." * (min_bytes - len(body)))
    url = f"{origin}{CALLBACK_PATH}?bodySHA256={hashlib.sha256(body).hexdigest()}"

    return SignedCallback(url, _headers(key, url), body)


def _body(job_id: str, account_id: str, text: str) -> bytes:
    now = format_utc(datetime.now(UTC))
    document = {
        "id": job_id,
        "accountId": account_id,
        "status": "completed",
        "transcriptionConfigurationId": f"voice_transcriptionconfiguration_{'0' * 26}",
        "sourceId": None,
        "duration": 2,
        "participants": [],
        "sentences": [
            {
                "audioChannelIndex": 1,
                "sentenceIndex": 0,
                "participantIndex": None,
                "startTimeSeconds": 0.0,
                "text": text,
            }
        ],
        "createdAt": now,
        "updatedAt": now,
    }

    return json.dumps(document).encode()


def _headers(key: SigningKey, url: str) -> dict[str, str]:
    signature = RequestValidator(key.secret).compute_signature(url, {}, key.algorithm)
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": signature}
    if key.algorithm == "HMAC_SHA256":
        headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={key.id},algorithm={key.algorithm}"

    return headers
