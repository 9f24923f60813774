"""Callbacks to send, each with its own job and body."""

import json
import random
from typing import Any

from tests.support.samples import COMPLETED

_WORDS = ("order", "number", "parcel", "tomorrow", "refund", "hold on", "please", "é", "漢字")

# A call of some minutes, and the largest body that Twilio sends.
USUAL_BYTES = 8_000
LARGEST_BYTES = 1_000_000


def job_id(number: int) -> str:
    """Return the id of the job of the callback `number`."""
    return f"voice_transcription_{number:026}"


def callback(number: int, *, size: int = USUAL_BYTES, **members: Any) -> bytes:
    """Return a callback of about `size` bytes; `members` replace its members, such as `id`."""
    document = json.loads(COMPLETED) | {"id": job_id(number)} | members
    generator = random.Random(number)
    text_bytes = 0
    while text_bytes < size:
        text = " ".join(generator.choices(_WORDS, k=200 if size > USUAL_BYTES else 12))
        document["sentences"].append(
            {
                "audioChannelIndex": 1,
                "sentenceIndex": len(document["sentences"]),
                "participantIndex": 0,
                "startTimeSeconds": 4.5 * len(document["sentences"]),
                "text": text,
            }
        )
        text_bytes += len(text.encode()) + 120

    return json.dumps(document, ensure_ascii=False).encode()
