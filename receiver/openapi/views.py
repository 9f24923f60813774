"""The view of the OpenAPI document."""

from functools import lru_cache

from flask import Response, json, request

from receiver.openapi.document import document
from receiver.services import services
from receiver.settings.urls import public_origin
from receiver.web.responses import make_conditional


def fetch_document() -> Response:
    """Return the document with this server's address."""
    origin = public_origin(request.environ, services().settings.public_url)

    return make_conditional(Response(_encode(origin), content_type="application/json"))


# Without PUBLIC_URL, a client chooses the origin by its Host header.
@lru_cache(maxsize=4)
def _encode(origin: str) -> str:
    return json.dumps({**document(), "servers": [{"url": origin}]}, separators=(",", ":"))
