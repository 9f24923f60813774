"""The routes of the console. All but the sign-in and the stylesheet need a session."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from receiver.runtime.concurrency_limit import TooBusyError
from receiver.services import services
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit
from receiver.web.on_demand import on_demand
from receiver.web.problems import ProblemError
from receiver.web.same_origin import require_own_page

blueprint = Blueprint("console", __name__, url_prefix="/console")

# Each route's method, path and endpoint, and its function in a module of the console.
_ROUTES = (
    ("GET", "/console.css", "get_stylesheet", "stylesheet:send"),
    ("GET", "/sign-in", "show_sign_in", "sign_in:show_form"),
    ("POST", "/sign-in", "sign_in", "sign_in:sign_in"),
    ("POST", "/sign-out", "sign_out", "sign_in:sign_out"),
    ("GET", "/", "overview", "overview_page:show"),
    ("GET", "/jobs", "list_jobs", "jobs_page:show"),
    ("GET", "/jobs/<job_id>", "show_job", "job_page:show"),
    ("GET", "/jobs/<job_id>/transcript", "show_transcript", "transcript_page:show"),
    ("POST", "/jobs/<job_id>/erase", "erase_job", "erase_page:erase"),
    ("GET", "/missing", "list_missing", "missing_page:show"),
    ("GET", "/quarantine", "list_quarantined", "quarantine_page:show"),
    ("POST", "/quarantine", "replay_quarantined", "quarantine_page:replay"),
    ("GET", "/rejected", "list_rejected", "rejected_page:show"),
    ("GET", "/erasures", "list_erasures", "erasures_page:show"),
)
_ERRORS: dict[type[Exception], str] = {
    ProblemError: "errors:from_problem",
    HTTPException: "errors:from_http",
    TooBusyError: "errors:from_too_busy",
    DatabaseUnavailableError: "errors:from_unavailable",
    Exception: "errors:from_any",
}
_WITHOUT_SESSION = {"console.show_sign_in", "console.sign_in", "console.get_stylesheet"}
_MAX_FORM_BYTES = 16 * 1024

_HEADERS = {
    # No script at all, no style but ours, no frame, and no form that leads elsewhere.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With no-referrer, forms would have the Origin `null`.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

for _method, _path, _endpoint, _place in _ROUTES:
    blueprint.add_url_rule(
        _path, _endpoint, on_demand(f"receiver.console.{_place}"), methods=[_method]
    )
for _error, _place in _ERRORS.items():
    blueprint.register_error_handler(_error, on_demand(f"receiver.console.{_place}"))
_require_signed_in = on_demand("receiver.console.sign_in:require_session")


@blueprint.get("/<path:_path>")
def no_page(_path: str) -> Response:
    """Answer 404 with a page of the console."""
    raise ProblemError(404, "The console has no such page.")


@blueprint.before_request
def _require_session() -> Response | None:
    """Refuse forms of other sites, then require a session, and take a reader's place."""
    require_own_page()
    request.max_content_length = _MAX_FORM_BYTES
    if request.endpoint in _WITHOUT_SESSION:
        return None
    response: Response | None = _require_signed_in()
    if response is None:
        admit(services().limits.requests)

    return response


@blueprint.after_request
def _set_headers(response: Response) -> Response:
    response.headers.extend(_HEADERS)
    if request.endpoint != "console.get_stylesheet":
        response.headers["Cache-Control"] = "no-store"

    return response
