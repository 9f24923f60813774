"""JSON responses, ETags, and 304 for clients that have the current representation."""

from hashlib import sha256
from typing import Any

import orjson
from flask import Response, json, request
from marshmallow import Schema

from receiver.web.compression import Representation, accepts_gzip, gzip_tag, represent


def render(schema: Schema, **members: Any) -> Response:
    """Return a JSON response with the members as the schema dumps them."""
    return Response(encode_json(schema.dump(members)), content_type="application/json")


def encode_json(document: Any) -> bytes:
    """Return the document as one line of JSON."""
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # for example, an integer beyond 64 bits
        return json.dumps(document).encode() + b"\n"


def make_conditional(response: Response) -> Response:
    """Return the response with an ETag of its body, or a 304 if the client has the same body.

    The body is compressed if the client accepts it.
    """
    data = response.get_data()
    tag = sha256(data).hexdigest()

    return not_modified(tag) or send(response, represent(data, tag))


def not_modified(tag: str) -> Response | None:
    """Return a 304 if the request's If-None-Match has the ETag (RFC 9110, 13.1.2), else None.

    The ETag of the compressed form matches too, if the client accepts it.
    """
    held = request.if_none_match
    if not held:
        return None
    tags = (gzip_tag(tag), tag) if accepts_gzip() else (tag,)
    for current in tags:
        if held.contains_weak(current):
            return _set_headers(Response(status=304), current)

    return None


def send(response: Response, representation: Representation) -> Response:
    """Make the response send the representation, and return it."""
    response.set_data(representation.data)
    if representation.is_compressed:
        response.headers["Content-Encoding"] = "gzip"

    return _set_headers(response, representation.tag)


def _set_headers(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    response.headers.add("Vary", "Accept-Encoding")

    return response
