"""The route of the search."""

from flask import Blueprint

from receiver.services import services
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit
from receiver.web.auth import require_api_key
from receiver.web.database import retry_later
from receiver.web.on_demand import on_demand

blueprint = Blueprint("search", __name__)
blueprint.before_request(require_api_key)
blueprint.before_request(lambda: admit(services().limits.requests))
blueprint.register_error_handler(DatabaseUnavailableError, retry_later)
blueprint.add_url_rule("/v3/Search", view_func=on_demand("receiver.search.views:search"))
