"""The simulator's web application: authentication, injected faults and error responses."""

import hmac
from http import HTTPStatus

from flask import Flask, Request, Response, json, request
from werkzeug.exceptions import HTTPException

from receiver.simulator import conversation_views, transcription_views
from receiver.simulator.errors import ApiError, api_error
from receiver.simulator.loopback import is_loopback_host
from receiver.simulator.simulator import Simulator

_MAX_BODY_BYTES = 64 * 1024
_CODES = {404: 20404, 405: 20004, 413: 20413}
_IS_BROKEN = "simulator.broken"  # in the WSGI environ


def create_app(simulator: Simulator) -> Flask:
    """Return the WSGI application."""
    app = Flask("simulator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.errorhandler(ApiError)(_render_error)
    app.errorhandler(HTTPException)(_render_http_exception)
    _add_hooks(app, simulator)
    transcription_views.register(app, simulator)
    conversation_views.register(app, simulator)

    return app


def _add_hooks(app: Flask, simulator: Simulator) -> None:
    @app.before_request
    def authenticate_and_inject_faults() -> None:
        if not is_loopback_host(request.environ.get("HTTP_HOST", "")):
            detail = "Only requests to localhost, 127.0.0.1 or [::1] are answered."
            raise api_error(20421, detail)
        if not _is_authenticated(request, simulator):
            detail = "The user name and password are not this account's."
            raise api_error(20003, detail, WWW_Authenticate='Basic realm="Twilio API"')
        status, is_carried_out = simulator.draw_request_fault()
        if status is None:
            return
        detail = f"{request.method} {request.path}"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            simulator.event_log.add("busy", detail=detail)
            raise api_error(20429, "There were too many requests.", Retry_After="1")
        simulator.event_log.add("broken", detail=detail)
        if not is_carried_out:
            raise _injected_error()
        request.environ[_IS_BROKEN] = True

    @app.after_request
    def replace_broken_response(response: Response) -> Response:
        return _render_error(_injected_error()) if _IS_BROKEN in request.environ else response


def _is_authenticated(received: Request, simulator: Simulator) -> bool:
    authorization = received.authorization
    if authorization is None or authorization.type != "basic":
        return False
    pair = f"{authorization.username}:{authorization.password}".encode()

    return any(
        hmac.compare_digest(pair, f"{user}:{password}".encode())
        for user, password in simulator.credentials
    )


def _injected_error() -> ApiError:
    return api_error(20500, "This error was injected by the simulator.")


def _render_error(error: ApiError) -> Response:
    is_v2 = request.path.startswith("/v2/Configurations")
    document = error.v2_document() if is_v2 else error.problem_document()

    return Response(
        json.dumps(document), error.status, error.headers, content_type="application/json"
    )


def _render_http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    default_code = 20001 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 20500
    code = _CODES.get(status, default_code)

    return _render_error(api_error(code, error.description or "The request failed."))
