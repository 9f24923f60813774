"""The route of the OpenAPI document."""

from flask import Blueprint, Response, current_app, jsonify, request

from receiver.openapi.document import document
from receiver.origin import request_origin, without_credentials

# No authentication: it describes the doors, not what is behind them.
blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
def describe() -> Response:
    """Return the document, with this server's address in it."""
    public_url: str | None = current_app.extensions["settings"].public_url
    origin = without_credentials(public_url) if public_url else request_origin(request.environ)

    return jsonify({**document(), "servers": [{"url": origin}]})
