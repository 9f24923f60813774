"""One HTTP request to this machine."""

from typing import Any

import requests

_TIMEOUT = 15  # seconds, Twilio's own default


def ask(method: str, url: str, **options: Any) -> requests.Response:
    """Send a request as `requests.request` does; raise requests.RequestException if it fails.

    No proxy and no .netrc has a part in it, and no connection is left open: gunicorn, told to
    end, waits for those.
    """
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Connection"] = "close"
        answer = session.request(method, url, timeout=_TIMEOUT, **options)
    answer.raise_for_status()

    return answer
