"""The route `GET /v3/Export`."""

from flask import Blueprint

from receiver.store.retry import DatabaseUnavailableError
from receiver.web.auth import require_api_key
from receiver.web.database import retry_later
from receiver.web.on_demand import on_demand

blueprint = Blueprint("export", __name__)
blueprint.before_request(require_api_key)
blueprint.register_error_handler(DatabaseUnavailableError, retry_later)
blueprint.add_url_rule("/v3/Export", view_func=on_demand("receiver.export.views:export_jobs"))
