"""A handler that does nothing: the cost of the web server and the load generator alone."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Read the body and answer 204."""
    environ["wsgi.input"].read()
    start_response("204 No Content", [])

    return []
