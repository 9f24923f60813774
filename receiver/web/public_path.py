"""Serves requests below the path of PUBLIC_URL, for proxies that pass this path on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class PublicPathMiddleware:
    """WSGI middleware: route a request without the path of PUBLIC_URL if no route is below it.

    The links in responses begin with PUBLIC_URL, so clients send its path. The webhook has routes
    of its own below any path: it verifies the URL as it was called.
    """

    def __init__(self, app: Flask, wsgi_app: "WSGIApplication", path: str) -> None:
        self._routes = app.url_map.bind("")
        self._wsgi_app = wsgi_app
        self._path = path

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer with the application."""
        path = environ["PATH_INFO"]
        rest = path.removeprefix(self._path)
        if (
            rest != path
            and rest.startswith("/")
            and not self._routes.test(path, environ["REQUEST_METHOD"])
        ):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self._path
            environ["PATH_INFO"] = rest

        return self._wsgi_app(environ, start_response)
