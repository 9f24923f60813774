"""JSON responses, their ETags, and 304 for clients that have the current representation."""

from hashlib import sha256
from typing import Any

import orjson
from flask import Response, json, request
from marshmallow import Schema


def render(schema: Schema, **members: Any) -> Response:
    """Return a JSON response with the members as the schema dumps them."""
    return Response(_encode(schema.dump(members)), content_type="application/json")


def _encode(document: Any) -> bytes | str:
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # for example, an integer beyond 64 bits
        return json.dumps(document)


def make_conditional(response: Response) -> Response:
    """Return the response with an ETag of its body, or a 304 if the client has the same body."""
    tag = sha256(response.get_data()).hexdigest()

    return not_modified(tag) or set_etag(response, tag)


def not_modified(tag: str) -> Response | None:
    """Return a 304 if the request's If-None-Match has the ETag (RFC 9110, 13.1.2), else None."""
    is_current = request.if_none_match.contains_weak(tag)

    return set_etag(Response(status=304), tag) if is_current else None


def set_etag(response: Response, tag: str) -> Response:
    """Set a strong ETag, and return the response."""
    response.set_etag(tag)

    return response
