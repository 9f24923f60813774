"""Encodes values as JSON for Postgres: for `jsonb` columns and for rows."""

import json
from datetime import datetime
from typing import Any

import orjson
from psycopg.types.json import Jsonb


def to_jsonb(value: Any) -> Jsonb:
    """Return the value for psycopg, with bytes and timestamps in the notation of Postgres."""
    return Jsonb(value, dumps=encode_json)


def encode_json(value: Any) -> bytes:
    """Return the value's JSON text in UTF-8."""
    try:
        return orjson.dumps(value, default=_text)
    except TypeError:  # for example an integer of more than 64 bits
        return json.dumps(value, default=_text, allow_nan=False).encode()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, datetime):
        return value.isoformat()

    raise TypeError(f"a {type(value).__name__} can't be encoded as JSON")
