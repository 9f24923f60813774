"""Values as Postgres takes them for columns of JSON, or for rows in JSON."""

import json
from datetime import datetime
from typing import Any

import orjson
from psycopg.types.json import Jsonb


def to_jsonb(value: Any) -> Jsonb:
    """Return the value as psycopg sends it, with bytes and points in time as Postgres has them."""
    return Jsonb(value, dumps=encode_json)


def encode_json(value: Any) -> bytes:
    """Return the value's JSON."""
    try:
        return orjson.dumps(value, default=_text)
    except TypeError:  # an integer beyond 64 bits, say
        return json.dumps(value, default=_text, allow_nan=False).encode()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, datetime):
        return value.isoformat()

    raise TypeError(f"a {type(value).__name__} has no place in JSON")
