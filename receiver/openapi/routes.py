"""The route of the OpenAPI document."""

from flask import Blueprint

from receiver.web.on_demand import on_demand

# No authentication: the document describes the API, and contains no data.
blueprint = Blueprint("openapi", __name__)
blueprint.add_url_rule(
    "/openapi.json", view_func=on_demand("receiver.openapi.views:fetch_document")
)
