"""Answers only requests to this machine's own names, if PUBLIC_URL is one of them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from receiver.settings.urls import is_loopback_host
from receiver.web.problems import problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class LoopbackHostMiddleware:
    """WSGI middleware: answer 421 to a request whose Host header isn't a loopback name.

    A service whose PUBLIC_URL is on loopback is for development, and its credentials may be public.
    A page that a developer opens can give its own name the address 127.0.0.1, and then send
    requests here from the browser, as to its own origin. Only the Host header shows this.
    """

    def __init__(self, wsgi_app: "WSGIApplication") -> None:
        self._wsgi_app = wsgi_app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer with the application, or with 421."""
        if is_loopback_host(environ.get("HTTP_HOST", "")):
            return self._wsgi_app(environ, start_response)
        answer = problem(
            421,
            "PUBLIC_URL is an address of this machine, so only requests to localhost, 127.0.0.1 "
            "or [::1] are answered. To serve another host, set PUBLIC_URL to its origin.",
        )

        return answer(environ, start_response)
