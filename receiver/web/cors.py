"""Lets pages of the configured origins read the API, with a Bearer key that they hold (CORS).

The responses allow no credentials: a browser never adds those that it remembers, and a page must
send the key itself. See https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

from collections.abc import Collection

from flask import Flask, Response, request

_METHODS = "GET, HEAD"
_METHODS_OF_LINKS = "POST"  # making a link reads, and submitting a job does not
_REQUEST_HEADERS = "Authorization, If-None-Match, X-Request-ID"
_RESPONSE_HEADERS = "Content-Disposition, ETag, Retry-After, X-Request-ID"
# Browsers keep the answer to a preflight for ten minutes at least, and two hours at most.
_PREFLIGHT_SECONDS = 600


def register(app: Flask, *, origins: Collection[str]) -> None:
    """Allow these origins to read everything below `/v3`; without any, nothing changes."""
    if not origins:
        return

    def is_allowed() -> bool:
        return request.headers.get("Origin") in origins

    @app.before_request
    def _answer_preflight() -> Response | None:
        # A preflight never has a key, so it is answered before the key is required.
        is_preflight = "Access-Control-Request-Method" in request.headers
        if not (request.method == "OPTIONS" and is_preflight and _is_api() and is_allowed()):
            return None
        headers = {
            "Access-Control-Allow-Methods": _METHODS_OF_LINKS if _is_links() else _METHODS,
            "Access-Control-Allow-Headers": _REQUEST_HEADERS,
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }

        return Response(status=204, headers=headers)

    @app.after_request
    def _allow(response: Response) -> Response:
        if _is_api():
            response.vary.add("Origin")
            if is_allowed():
                response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
                response.headers["Access-Control-Expose-Headers"] = _RESPONSE_HEADERS

        return response


def _is_api() -> bool:
    return request.path.startswith("/v3/")


def _is_links() -> bool:
    return request.path.endswith("/Links")
