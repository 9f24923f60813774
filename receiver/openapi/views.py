"""The route of the OpenAPI document."""

from flask import Blueprint, Response, jsonify, request

from receiver.openapi.document import document
from receiver.services import services
from receiver.settings.urls import public_origin

# No authentication: the document describes the API, and contains no data.
blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
def fetch_document() -> Response:
    """Return the document with this server's address."""
    origin = public_origin(request.environ, services().settings.public_url)

    return jsonify({**document(), "servers": [{"url": origin}]})
