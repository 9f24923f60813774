"""Values for columns of JSON."""

import json
from typing import Any

import orjson
from psycopg.types.json import Jsonb


def jsonb(value: Any) -> Jsonb:
    """Return the value as psycopg sends it to a column of JSON."""
    return Jsonb(value, dumps=_dumps)


def _dumps(value: Any) -> bytes | str:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits, say
        return json.dumps(value)
