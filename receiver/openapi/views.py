"""The route of the OpenAPI document."""

from flask import Blueprint, Response, jsonify, request

from receiver.openapi.document import document
from receiver.services import services
from receiver.settings.urls import public_origin

# No authentication: it describes the doors, not what is behind them.
blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
def describe() -> Response:
    """Return the document, with this server's address in it."""
    origin = public_origin(request.environ, services().settings.public_url)

    return jsonify({**document(), "servers": [{"url": origin}]})
