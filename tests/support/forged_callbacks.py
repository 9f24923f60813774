"""Requests that look like callbacks, as anyone without a key can send them."""

import base64
import random

from tests.support.environment import ROUTE
from tests.support.faults.callbacks import callback
from tests.support.raw_requests import raw_head
from tests.support.samples import ACCOUNT
from tests.support.signing import with_body_hash


def make_account_id(number: int) -> str:
    """Return an account's SID."""
    return f"AC{number:032x}"


def forged(number: int, *, size: int = 0, account_id: str = ACCOUNT) -> bytes:
    """Return the body of a forged callback, `size` bytes larger than the sample."""
    return callback(900_000_000 + number, size=size, accountId=account_id)


def request(
    body: bytes, *, origin: str = "", signature: str | None = None
) -> tuple[str, dict[str, str]]:
    """Return the URL, with the body's hash, and the headers of a request with this body."""
    random_signature = base64.b64encode(random.Random(body).randbytes(20)).decode()
    headers = {
        "Content-Type": "application/json",
        "X-Twilio-Signature": signature or random_signature,
    }

    return with_body_hash(f"{origin}{ROUTE}", body), headers


def forged_head(body: bytes, *, host: str, length: str | None = None) -> bytes:
    """Return the raw head of such a request; `length` replaces its Content-Length header."""
    url, headers = request(body)

    return raw_head(url, {"Host": host, **headers}, body, length=length)
