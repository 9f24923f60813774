"""Callbacks to send: each of a job of its own, no two bodies the same."""

import json
import random
from typing import Any

from tests.support.paths import ROOT

_SAMPLE = ROOT / "tests" / "samples" / "completed_flat.json"
_WORDS = ("order", "number", "parcel", "tomorrow", "refund", "hold on", "please", "é", "漢字")

# In bytes: a call of some minutes, and the largest that Twilio sends.
USUAL = 8_000
LARGEST = 1_000_000


def job_id(number: int) -> str:
    """Return the id of the job that the callback `number` tells of."""
    return f"voice_transcription_{number:026}"


def callback(number: int, *, size: int = USUAL, **members: Any) -> bytes:
    """Return a callback of about `size` bytes; `members` replace its own, its job's id, say."""
    document = json.loads(_SAMPLE.read_bytes()) | {"id": job_id(number)} | members
    words = random.Random(number)
    spoken = 0
    while spoken < size:
        text = " ".join(words.choices(_WORDS, k=200 if size > USUAL else 12))
        document["sentences"].append(
            {
                "audioChannelIndex": 1,
                "sentenceIndex": len(document["sentences"]),
                "participantIndex": 0,
                "startTimeSeconds": 4.5 * len(document["sentences"]),
                "text": text,
            }
        )
        spoken += len(text.encode()) + 120

    return json.dumps(document, ensure_ascii=False).encode()
