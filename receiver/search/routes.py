"""The route of the search."""

from flask import Blueprint, Response

from receiver.services import services
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit
from receiver.web.auth import require_api_key
from receiver.web.on_demand import on_demand
from receiver.web.problems import unavailable

blueprint = Blueprint("search", __name__)
blueprint.before_request(require_api_key)
blueprint.before_request(lambda: admit(services().limits.requests))
blueprint.add_url_rule("/v3/Search", view_func=on_demand("receiver.search.views:search"))


@blueprint.errorhandler(DatabaseUnavailableError)
def _retry_later(_error: DatabaseUnavailableError) -> Response:
    return unavailable("The database is unavailable; /readyz may say why. Try again.")
