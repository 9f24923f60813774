"""The route `GET /v3/Export`."""

from flask import Blueprint, Response

from receiver.store.retry import DatabaseUnavailableError
from receiver.web.auth import require_api_key
from receiver.web.on_demand import on_demand
from receiver.web.problems import unavailable

blueprint = Blueprint("export", __name__)
blueprint.before_request(require_api_key)
blueprint.add_url_rule("/v3/Export", view_func=on_demand("receiver.export.views:export_jobs"))


@blueprint.errorhandler(DatabaseUnavailableError)
def _retry_later(_error: DatabaseUnavailableError) -> Response:
    return unavailable("The database is unavailable; /readyz may say why. Try again.")
