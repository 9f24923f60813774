"""Sends HTTP requests to this machine."""

from typing import Any

import requests

_TIMEOUT_SECONDS = 15  # Twilio's own default


def send_request(method: str, url: str, **options: Any) -> requests.Response:
    """Send a request like `requests.request`; raises requests.RequestException.

    Proxy settings and .netrc are ignored. The connection is closed, because gunicorn waits for
    open connections when it stops.
    """
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Connection"] = "close"
        response = session.request(method, url, timeout=_TIMEOUT_SECONDS, **options)
    response.raise_for_status()

    return response
