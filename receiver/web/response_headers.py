"""Sets the headers that all responses have: what a browser or a cache may do with them."""

from flask import Flask, Response, request


def register(app: Flask) -> None:
    """Set the headers of every response of the application."""

    @app.after_request
    def _set_headers(response: Response) -> Response:
        headers = set_nosniff(response).headers
        # What a view sets takes precedence.
        if response.status_code >= 400:  # noqa: PLR2004 - HTTP's own number
            headers["Cache-Control"] = "no-store"
        elif request.path.startswith("/v3") and "Cache-Control" not in headers:
            # A client may keep its copy, and must ask with the ETag before each use.
            headers["Cache-Control"] = "private, no-cache"

        return response


def set_nosniff(response: Response) -> Response:
    """Keep browsers from guessing another content type, and return the response."""
    response.headers["X-Content-Type-Options"] = "nosniff"

    return response
