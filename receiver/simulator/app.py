"""The simulator's web application: who is let in, the trouble on purpose, and every error."""

import hmac

from flask import Flask, Request, Response, json, request
from werkzeug.exceptions import HTTPException

from receiver.simulator import conversation_views, voice_views
from receiver.simulator.problem import RefusalError, refusal
from receiver.simulator.simulator import Simulator

_LARGEST_BODY = 64 * 1024  # bytes of a request
_CODES = {404: 20404, 405: 20004, 413: 20413}
_BROKEN = "simulator.broken"  # in the WSGI environ


def app_of(simulator: Simulator) -> Flask:
    """Return the WSGI application that answers in the simulator's name."""
    app = Flask("simulator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.errorhandler(RefusalError)(_refused)
    app.errorhandler(HTTPException)(_unanswered)
    _guard(app, simulator)
    voice_views.register(app, simulator)
    conversation_views.register(app, simulator)

    return app


def _guard(app: Flask, simulator: Simulator) -> None:
    @app.before_request
    def _let_in() -> None:
        if not _is_known(request, simulator):
            detail = "The user name and password are not this account's."
            raise refusal(20003, detail, WWW_Authenticate='Basic realm="Twilio API"')
        status, done_first = simulator.mishap()
        if status is None:
            return
        what = f"{request.method} {request.path}"
        if status == 429:  # noqa: PLR2004 - HTTP's
            simulator.journal.note("busy", detail=what)
            raise refusal(20429, "There were too many requests.", Retry_After="1")
        simulator.journal.note("broken", detail=what)
        if not done_first:
            raise _broken()
        request.environ[_BROKEN] = True

    @app.after_request
    def _break(response: Response) -> Response:
        return _refused(_broken()) if _BROKEN in request.environ else response


def _is_known(asking: Request, simulator: Simulator) -> bool:
    given = asking.authorization
    if given is None or given.type != "basic":
        return False
    pair = f"{given.username}:{given.password}".encode()

    return any(
        hmac.compare_digest(pair, f"{user}:{password}".encode())
        for user, password in simulator.credentials
    )


def _broken() -> RefusalError:
    return refusal(20500, "Something went wrong on purpose.")


def _refused(error: RefusalError) -> Response:
    older = request.path.startswith("/v2/Configurations")
    document = error.older_document() if older else error.document()

    return Response(
        json.dumps(document), error.status, error.headers, content_type="application/json"
    )


def _unanswered(error: HTTPException) -> Response:
    status = error.code or 500
    code = _CODES.get(status, 20001 if status < 500 else 20500)  # noqa: PLR2004 - HTTP's

    return _refused(refusal(code, error.description or "It can't be answered."))
