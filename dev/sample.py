"""One callback as Twilio sends it, really signed: `python -m dev.sample [ORIGIN]` delivers it."""

import hashlib
import json
import secrets
import string
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from twilio.request_validator import RequestValidator

from dev.ask import ask

AUTH_TOKEN = "dev-auth-token"  # noqa: S105 - the contract's, for development only
_CONVERSATION = (
    "Hi, I am calling about the order I placed last Tuesday.",
    "Thank you for calling, I can look that up. May I have your order number?",
    "Sure, it is four four seven one nine.",
    "Thanks. It left our warehouse this morning, so you should have it tomorrow.",
    "That is all I wanted to know. Thank you!",
    "You are welcome. Have a good day.",
)
_SENTENCE_SECONDS = 4


def callback() -> dict[str, Any]:
    """Return the callback of a new job: a short call between a customer and an agent."""
    ended = datetime.now(UTC).replace(microsecond=0)
    created = ended - timedelta(minutes=1)

    return {
        "id": f"voice_transcription_{_letters(26)}",
        "accountId": f"AC{secrets.token_hex(16)}",
        "status": "completed",
        "transcriptionConfigurationId": f"voice_transcriptionconfiguration_{_letters(26)}",
        "sourceId": f"RE{secrets.token_hex(16)}",
        "duration": _SENTENCE_SECONDS * len(_CONVERSATION),
        "participants": [
            {"audioChannelIndex": 1, "type": "CUSTOMER", "name": "Jane", "address": "+15550100"},
            {"audioChannelIndex": 2, "type": "HUMAN_AGENT", "name": "Sam", "address": "+15550199"},
        ],
        "sentences": [
            {
                "audioChannelIndex": index % 2 + 1,
                "sentenceIndex": index,
                "participantIndex": index % 2,
                "startTimeSeconds": index * _SENTENCE_SECONDS + 0.4,
                "text": text,
            }
            for index, text in enumerate(_CONVERSATION)
        ],
        "createdAt": created.isoformat().replace("+00:00", "Z"),
        "updatedAt": ended.isoformat().replace("+00:00", "Z"),
    }


def deliver(origin: str) -> str:
    """Post a new job's callback to `origin`, as Twilio would; return the job's id.

    Raises requests.RequestException if it isn't taken.
    """
    job = callback()
    body = json.dumps(job).encode()
    digest = hashlib.sha256(body).hexdigest()
    url = f"{origin}/callbacks/transcription?bodySHA256={digest}"
    headers = {
        "Content-Type": "application/json",
        "X-Twilio-Signature": RequestValidator(AUTH_TOKEN).compute_signature(url, {}),
    }
    ask("POST", url, data=body, headers=headers)

    return str(job["id"])


def _letters(count: int) -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(count))


if __name__ == "__main__":
    origin = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    try:
        print(deliver(origin))
    except requests.RequestException as error:
        sys.exit(
            f"Error: {origin} didn't take it ({type(error).__name__}). Is `make run` serving "
            "there? Usage: .venv/bin/python -m dev.sample [http://127.0.0.1:8000]"
        )
