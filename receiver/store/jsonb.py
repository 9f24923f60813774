"""Encodes values as JSON for Postgres, and decodes what it returns.

Types that JSON lacks are encoded too: bytes and timestamps.
"""

import json
from datetime import datetime
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from receiver.runtime.errors import ReceiverError

_decode = json.JSONDecoder().raw_decode


class UnencodableError(ReceiverError):
    """Values can't be encoded for Postgres, on any connection."""


def to_jsonb(value: Any) -> Jsonb:
    """Return the value as a parameter of the type `jsonb`; it is encoded already."""
    return Jsonb(encode_json(value), dumps=bytes)


def encode_json(value: Any) -> bytes:
    """Return the value's JSON text in UTF-8."""
    try:
        return orjson.dumps(value, default=_to_text)
    except TypeError:  # orjson can't encode everything, for example integers above 64 bits
        return json.dumps(value, default=_to_text, allow_nan=False).encode()


def decode_json(text: bytes) -> Any:
    """Return the value of a `json` or `jsonb` that Postgres has returned.

    `json.loads` would first look for the encoding, and for blanks around the value.
    """
    return _decode(text.decode())[0]


def _to_text(value: object) -> str:
    """Return the value in the notation from which Postgres reads it; raises TypeError."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, datetime):
        return value.isoformat()

    raise TypeError(f"a {type(value).__name__} can't be encoded as JSON")
