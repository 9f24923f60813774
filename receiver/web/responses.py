"""Answers: rendered by a schema, tagged, and withheld from a client that holds them already."""

from hashlib import sha256
from typing import Any

import orjson
from flask import Response, json, request
from marshmallow import Schema


def rendered(schema: Schema, **members: Any) -> Response:
    """Return the JSON document that the schema makes of the members."""
    return Response(_encoded(schema.dump(members)), content_type="application/json")


def _encoded(document: Any) -> bytes | str:
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # an integer beyond 64 bits, say
        return json.dumps(document)


def tagged(response: Response) -> Response:
    """Return the response with an ETag of its bytes, or a 304 for a client that holds them."""
    tag = sha256(response.get_data()).hexdigest()

    return not_modified(tag) or with_tag(response, tag)


def not_modified(tag: str) -> Response | None:
    """Return a 304 if the client says that it holds what the ETag stands for (RFC 9110, 13.1.2)."""
    held = request.if_none_match.contains_weak(tag)

    return with_tag(Response(status=304), tag) if held else None


def with_tag(response: Response, tag: str) -> Response:
    """Give the response a strong ETag."""
    response.set_etag(tag)

    return response
