"""Answers `/metrics`: what Prometheus reads."""

from flask import Blueprint, Response

from receiver.services import services
from receiver.web.admission import admit
from receiver.web.arguments import require_no_arguments
from receiver.web.auth import require_metrics_key

# Prometheus's text format.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

blueprint = Blueprint("metrics", __name__)
blueprint.before_request(require_metrics_key)
blueprint.before_request(lambda: admit(services().limits.scrapes))


@blueprint.get("/metrics")
def fetch_metrics() -> Response:
    """Fetch the metrics of all workers; also while the database doesn't respond."""
    require_no_arguments()
    response = Response(services().metrics.page(), content_type=CONTENT_TYPE)
    response.cache_control.no_store = True

    return response
