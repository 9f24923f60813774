"""Signs a browser in and out, and requires that it is signed in."""

import time
from urllib.parse import quote, urlsplit

from flask import Response, g, request
from marshmallow import ValidationError

from receiver.console.page import go_to, page_url, render
from receiver.console.session import COOKIE, SESSION_SECONDS, find_session, make_session
from receiver.runtime.timeouts import LOG_FIELDS
from receiver.services import services
from receiver.settings.keys import ApiKey
from receiver.settings.urls import is_loopback_host, public_origin
from receiver.web.auth import identify_by_name
from receiver.web.failed_keys import limit_failures
from receiver.web.problems import ProblemError
from schemas.console import SignInForm

_FORM = SignInForm()
_WRONG_KEY = "No API key has this name and secret. Both are case-sensitive."


def require_session() -> Response | None:
    """Set `g.api_key` from the cookie; without a session, return what leads to the sign-in."""
    cookie = request.cookies.get(COOKIE)
    key = cookie and find_session(cookie, services().settings.api_keys, at=time.time())
    if key:
        _use(key)
        return None
    # A browser that follows another site's link sends no SameSite=Strict cookie. It sends it when
    # this page of ours leads it to the same URL again.
    site = request.headers.get("Sec-Fetch-Site")
    if cookie is None and request.method == "GET" and site in {"cross-site", "same-site"}:
        return render("continue.html", url=page_url(_here()))

    return go_to("sign-in", next=_here() or None)


def _here() -> str:
    """Return the path and query of a GET request, below the console's path."""
    if request.method != "GET":
        return ""
    path, query = request.path.partition("/console/")[2], request.query_string.decode("latin-1")

    return f"{quote(path)}?{query}" if query else quote(path)


def show_form() -> Response:
    """Show the form."""
    return _form(next_page=request.args.get("next", ""))


def sign_in() -> Response:
    """Set the cookie and lead to the page that was asked for, or show the form with the error."""
    try:
        given = _FORM.load(request.form.to_dict())
    except ValidationError:
        return _form(next_page="", error=_WRONG_KEY, status=400)
    key = identify_by_name(given["name"], given["secret"], services().settings.api_keys)
    if key is None:
        try:
            limit_failures()
        except ProblemError as error:
            response = _form(next_page=given["next"], error=error.detail, status=error.status)
            response.headers.update(error.headers)
            return response
        return _form(next_page=given["next"], error=_WRONG_KEY, status=403)
    if "console" not in key.scopes:
        return _form(next_page=given["next"], rejected_key=key, status=403)
    _use(key)
    # Whatever `next` is, the URL begins with the console's own path: it can't lead elsewhere.
    response = go_to(given["next"].lstrip("/"))
    session = make_session(key, int(time.time()) + SESSION_SECONDS)
    response.set_cookie(
        COOKIE, session, max_age=SESSION_SECONDS, secure=True, httponly=True, samesite="Strict"
    )

    return response


def sign_out() -> Response:
    """Delete the cookie."""
    response = go_to("sign-in")
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Strict")

    return response


def _use(key: ApiKey) -> None:
    g.api_key = key
    request.environ[LOG_FIELDS] = {"key": key.name}


def _form(
    *, next_page: str, error: str = "", rejected_key: ApiKey | None = None, status: int = 200
) -> Response:
    origin = urlsplit(public_origin(request.environ, services().settings.public_url))

    return render(
        "sign_in.html",
        status=status,
        next_page=next_page,
        error=error,
        rejected_key=rejected_key,
        is_insecure=origin.scheme == "http" and not is_loopback_host(origin.netloc),
    )
