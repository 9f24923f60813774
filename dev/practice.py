"""Makes trouble in the running `make run`, to practice on: `python -m dev.practice WHAT`.

`quarantined` sends a signed callback that can't be used, `rejected` one that another token signed.
`locked` locks the ledger until Enter, so that callbacks wait in the spool.
"""

import json
import os
import secrets
import sys
from datetime import UTC, datetime

import psycopg
import requests

from dev.credentials import ACCOUNT_SID, AUTH_TOKEN
from dev.loopback import require_loopback
from receiver.runtime.utc import format_utc
from receiver.settings.urls import CALLBACK_PATH
from receiver.simulator.signing import Signer

OTHER_TOKEN = "another-auth-token"  # noqa: S105 - public


def send_callback(origin: str, *, status: str, token: str) -> str:
    """Send the callback of a new job, and return what was sent and answered."""
    job_id = f"voice_transcription_{secrets.token_hex(13)}"
    now = format_utc(datetime.now(UTC))
    sentence = {"audioChannelIndex": 1, "sentenceIndex": 0, "text": "This is only practice."}
    document = {
        "id": job_id,
        "accountId": ACCOUNT_SID,
        "status": status,
        "createdAt": now,
        "updatedAt": now,
        "sentences": [sentence],
    }
    body = json.dumps(document).encode()
    url, headers = Signer(token).sign(f"{origin}{CALLBACK_PATH}", body)
    headers |= {"Content-Type": "application/json", "Connection": "close"}
    response = requests.post(url, body, headers=headers, timeout=15)

    return f"{job_id}, signed with {token}: answered {response.status_code}"


def lock_ledger(url: str) -> None:
    """Lock the ledger until a line is read, or this process ends."""
    require_loopback(url)
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE events IN EXCLUSIVE MODE")
        print("The ledger is locked. Press Enter to unlock it.", flush=True)
        sys.stdin.readline()


def main(what: str) -> None:
    """Do it, with the settings of `make env`."""
    if what == "locked":
        lock_ledger(os.environ["DATABASE_URL"])
    elif what == "quarantined":
        print(send_callback(os.environ["PUBLIC_URL"], status="transcribed", token=AUTH_TOKEN))
    elif what == "rejected":
        print(send_callback(os.environ["PUBLIC_URL"], status="completed", token=OTHER_TOKEN))
    else:
        sys.exit("Error: quarantined, rejected or locked?")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
