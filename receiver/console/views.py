"""The routes of the console. All but the sign-in and the stylesheet need a session."""

from flask import Blueprint, Response, request

from receiver.console import (
    erase_page,
    erasures_page,
    errors,
    job_page,
    jobs_page,
    missing_page,
    overview_page,
    quarantine_page,
    rejected_page,
    sign_in,
    transcript_page,
)
from receiver.console.page import stylesheet
from receiver.services import services
from receiver.web.admission import admit
from receiver.web.problems import ProblemError
from receiver.web.same_origin import require_own_page

blueprint = Blueprint("console", __name__, url_prefix="/console")
errors.register(blueprint)

_WITHOUT_SESSION = {"console.show_sign_in", "console.sign_in", "console.get_stylesheet"}
_MAX_FORM_BYTES = 16 * 1024
_STYLESHEET_SECONDS = 365 * 24 * 60 * 60  # its URL changes with it

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


@blueprint.before_request
def _require_session() -> Response | None:
    """Refuse forms of other sites, then require a session, and take a reader's place."""
    require_own_page()
    request.max_content_length = _MAX_FORM_BYTES
    if request.endpoint in _WITHOUT_SESSION:
        return None
    if response := sign_in.require_session():
        return response
    admit(services().limits.requests)

    return None


@blueprint.after_request
def _set_headers(response: Response) -> Response:
    response.headers.extend(_HEADERS)
    if request.endpoint != "console.get_stylesheet":
        response.headers["Cache-Control"] = "no-store"

    return response


@blueprint.get("/console.css")
def get_stylesheet() -> Response:
    """Answer with the stylesheet."""
    response = Response(stylesheet()[0], content_type="text/css; charset=utf-8")
    response.cache_control.public = True
    response.cache_control.max_age = _STYLESHEET_SECONDS
    response.cache_control.immutable = True

    return response


@blueprint.get("/sign-in", endpoint="show_sign_in")
def show_sign_in() -> Response:
    """Show the form that signs in."""
    return sign_in.show_form()


@blueprint.post("/sign-in", endpoint="sign_in")
def post_sign_in() -> Response:
    """Sign in with the name and the secret of an API key."""
    return sign_in.sign_in()


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Sign this browser out."""
    return sign_in.sign_out()


@blueprint.get("/")
def overview() -> Response:
    """Show whether anything is wrong."""
    return overview_page.show()


@blueprint.get("/jobs")
def list_jobs() -> Response:
    """List the jobs, newest first."""
    return jobs_page.show()


@blueprint.get("/jobs/<job_id>")
def show_job(job_id: str) -> Response:
    """Show one job, and what was received for it."""
    return job_page.show(job_id)


@blueprint.get("/jobs/<job_id>/transcript")
def show_transcript(job_id: str) -> Response:
    """Show a job's transcript."""
    return transcript_page.show(job_id)


@blueprint.post("/jobs/<job_id>/erase")
def erase_job(job_id: str) -> Response:
    """Erase one job."""
    return erase_page.erase(job_id)


@blueprint.get("/missing")
def list_missing() -> Response:
    """List the missing transcripts, by their cause."""
    return missing_page.show()


@blueprint.get("/quarantine")
def list_quarantined() -> Response:
    """List the callbacks in quarantine."""
    return quarantine_page.show()


@blueprint.post("/quarantine")
def replay_quarantined() -> Response:
    """Replay callbacks in quarantine, or show what a replay would do."""
    return quarantine_page.replay()


@blueprint.get("/rejected")
def list_rejected() -> Response:
    """List the rejected requests, and what would verify them."""
    return rejected_page.show()


@blueprint.get("/erasures")
def list_erasures() -> Response:
    """List the erasures."""
    return erasures_page.show()


@blueprint.get("/<path:_path>")
def no_page(_path: str) -> Response:
    """Answer 404 with a page of the console."""
    raise ProblemError(404, "The console has no such page.")
