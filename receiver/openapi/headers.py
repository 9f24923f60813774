"""The headers of the responses, as components of the document.

Headers of the connection, such as `Content-Length`, and those that tell a browser which pages may
read the answer (CORS) are not described.
"""

from typing import Any

_STRING = {"type": "string"}

HEADERS: dict[str, dict[str, Any]] = {
    "Cache-Control": {
        "description": "What a cache may do with the answer. A client that has its ETag may keep "
        "it, and asks with the ETag before each use.",
        "schema": _STRING,
    },
    "Content-Disposition": {
        "description": "A file name for the content.",
        "required": True,
        "schema": _STRING,
    },
    "Content-Encoding": {
        "description": "gzip, if the client accepts it and the answer is longer than 1 kB.",
        "schema": {"type": "string", "enum": ["gzip"]},
    },
    "ETag": {
        "description": "Identifies this content, in this encoding. Send it as If-None-Match.",
        "required": True,
        "schema": _STRING,
    },
    "Idempotency-Key": {
        "description": "The key with which the request can be repeated, without a second job. "
        "Absent if the request was refused before its key was read.",
        "schema": _STRING,
    },
    "Location": {
        "description": "The URL of the new job at this service.",
        "required": True,
        "schema": {"type": "string", "format": "uri"},
    },
    "Operation-Id": {
        "description": "The id of the new job.",
        "required": True,
        "schema": _STRING,
    },
    "Referrer-Policy": {
        "description": "no-referrer: the request's URL may contain the token of a link.",
        "schema": _STRING,
    },
    "Retry-After": {
        "description": "Seconds after which to ask again. Absent if asking again would not help.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Vary": {
        "description": "The request headers on which the answer depends.",
        "schema": _STRING,
    },
    "WWW-Authenticate": {
        "description": "The schemes in which an API key can be sent: Basic and Bearer.",
        "required": True,
        "schema": _STRING,
    },
    "X-Content-Type-Options": {
        "description": "nosniff: browsers must not guess another content type.",
        "required": True,
        "schema": _STRING,
    },
    "X-Request-ID": {
        "description": "Finds the request in the service's log. It is the request's own "
        "X-Request-ID, if that is well-formed.",
        "required": True,
        "schema": _STRING,
    },
}

_OF_ALL_RESPONSES = ("Cache-Control", "Vary", "X-Content-Type-Options", "X-Request-ID")


def headers(*names: str) -> dict[str, str]:
    """Return references to the headers of all responses and to these."""
    return {name: name for name in sorted({*_OF_ALL_RESPONSES, *names})}
