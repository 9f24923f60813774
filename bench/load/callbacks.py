"""Makes signed callbacks as Twilio sends them, of any size, all different."""

import base64
import hashlib
import hmac
import itertools
import json
import random
import string
from datetime import UTC, datetime, timedelta
from typing import Any

TOKEN = "0123456789abcdef" * 2
ACCOUNT = "AC" + "0123456789abcdef" * 2
HOST = "callbacks.example.com"
PUBLIC_URL = f"http://{HOST}"
ROUTE = "/callbacks/transcription"

# The average size of one sentence with its member names. 40 sentences are 8 kB, an ordinary call.
_SENTENCE_BYTES = 190
_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_LETTERS = string.ascii_lowercase + string.digits
# Common words of phone calls, the most frequent first, so that the text compresses like English.
_TALK = (
    "the you I to and a that it is of we in can have your for on my this so not do with was just "
    "be are like okay yes no right know but what if at get me one they would there it's I'm that's "
    "order number account call phone please thank thanks sure help today tomorrow morning week "
    "address payment card invoice delivery package tracking refund return manager system moment "
    "minute check look find send email confirm update change cancel subscription service support "
    "problem issue question answer information customer agent name date month year time Monday "
    "Tuesday Wednesday Thursday Friday seven eight nine four five three two hundred thousand "
    "dollars cents street avenue apartment warehouse shipped received missing damaged wrong "
    "correct again already still never always maybe actually definitely exactly wonderful fine"
)
_WORDS = _TALK.split(" ")
_WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(1, len(_WORDS) + 1)))


def callback(number: int, size: int, *, chance: random.Random) -> bytes:
    """Return the body of job `number`, of about `size` bytes, made of common words."""
    count = max(1, round((size - 600) / _SENTENCE_BYTES))
    body = _head(number, chance) | {"sentences": [_sentence(n, chance) for n in range(count)]}

    return json.dumps(body, separators=(",", ":")).encode()


def incompressible(number: int, size: int, *, chance: random.Random) -> bytes:
    """Return the body of job `number`, of about `size` bytes, that can't be compressed."""
    text = base64.b64encode(chance.randbytes((size - 700) * 3 // 4)).decode()
    body = _head(number, chance) | {"sentences": [_sentence(0, chance) | {"text": text}]}

    return json.dumps(body, separators=(",", ":")).encode()


def signed(body: bytes) -> tuple[str, dict[str, str]]:
    """Return the path and query of the request, and its headers, signed with TOKEN."""
    target = f"{ROUTE}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    digest = hmac.digest(TOKEN.encode(), f"{PUBLIC_URL}{target}".encode(), "sha1")

    return target, {
        "Host": HOST,
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-Twilio-Signature": base64.b64encode(digest).decode(),
    }


def request(body: bytes) -> bytes:
    """Return the raw HTTP request that delivers `body`."""
    target, headers = signed(body)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines = [f"POST {target} HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""]

    return "\r\n".join(lines).encode() + body


def job_id(number: int) -> str:
    """Return the id of job `number`. The ids are spread over the index, as Twilio's are."""
    digest = int.from_bytes(hashlib.sha256(number.to_bytes(8)).digest())
    letters = (digest // 36**place % 36 for place in range(26))

    return "voice_transcription_" + "".join(_LETTERS[letter] for letter in letters)


def _head(number: int, chance: random.Random) -> dict[str, Any]:
    created = _DAY + timedelta(seconds=number)

    return {
        "id": job_id(number),
        "accountId": ACCOUNT,
        "status": "completed",
        "transcriptionConfigurationId": f"voice_transcriptionconfiguration_{number % 5:026}",
        "sourceId": f"RE{chance.getrandbits(128):032x}",
        "duration": 240,
        "participants": [
            {"audioChannelIndex": 1, "type": "CUSTOMER", "name": "Jane", "address": "+15550100"},
            {"audioChannelIndex": 2, "type": "HUMAN_AGENT", "name": "Sam", "address": "+15550199"},
        ],
        "createdAt": _stamp(created),
        "updatedAt": _stamp(created + timedelta(minutes=1)),
    }


def _sentence(index: int, chance: random.Random) -> dict[str, Any]:
    words = chance.choices(_WORDS, cum_weights=_WEIGHTS, k=chance.randint(11, 28))

    return {
        "audioChannelIndex": index % 2 + 1,
        "sentenceIndex": index,
        "participantIndex": index % 2,
        "startTimeSeconds": round(index * 4.7 + chance.random(), 2),
        "text": " ".join(words).capitalize() + ".",
    }


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
