"""Sends messages to one endpoint: signed, within a time limit, and to its URL only."""

import os
import time
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self

import requests
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from receiver import __version__
from receiver.push.message import Message
from receiver.push.signature import signature_headers
from receiver.runtime.bounded_http import DirectSession
from receiver.runtime.retry_after import parse_retry_after
from receiver.settings.push_endpoints import PushEndpoint

# Standard Webhooks recommends 15 to 30 seconds. This is for all of an attempt, unless the host has
# several addresses that don't answer: each of them may take the time for connecting.
ATTEMPT_SECONDS = 20.0
_CONNECT_TIMEOUT_SECONDS = 5.0
MAX_RETRY_AFTER_SECONDS = 24 * 3600.0
# A message fails if the server closes its idle connection at the same moment. The usual servers
# keep such a connection for two seconds or longer.
MAX_IDLE_SECONDS = 1.0
# A response is read this far, so that its connection can be used again. Only its head matters.
_MAX_RESPONSE_BYTES = 16 * 1024
_THROTTLED = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class AttemptOutcome(Enum):
    """The outcome of an attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"  # the endpoint wants no more messages


@dataclass(frozen=True)
class AttemptResult:
    """The outcome of an attempt, and why. The reason contains no URL and no text of the response.

    `retry_after_seconds` is the endpoint's Retry-After, None if it sent none.
    """

    outcome: AttemptOutcome
    reason: str = ""
    retry_after_seconds: float | None = None


class Sender:
    """Sends to one endpoint; messages in a row share a connection. A context manager."""

    def __init__(
        self,
        endpoint: PushEndpoint,
        *,
        attempt_seconds: float = ATTEMPT_SECONDS,
        max_idle_seconds: float = MAX_IDLE_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._attempt_seconds = attempt_seconds
        self._max_idle_seconds = max_idle_seconds
        self._idle_since = time.monotonic()
        self._session = DirectSession()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update(
            {
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "User-Agent": f"transcription-receiver/{__version__}",
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def send(self, message: Message) -> AttemptResult:
        """Send the message once."""
        if time.monotonic() > self._idle_since + self._max_idle_seconds:
            self._session.close()
        try:
            return self._attempt(message)
        # `requests` doesn't convert all errors of urllib3, some of which are ValueErrors.
        except (OSError, HTTPError, ValueError) as error:
            return AttemptResult(AttemptOutcome.FAILED, self._describe(error))
        finally:
            self._idle_since = time.monotonic()

    def _attempt(self, message: Message) -> AttemptResult:
        headers = signature_headers(
            message.id, message.body, self._endpoint.secrets, unix_seconds=int(time.time())
        )
        timeout: Any = Timeout(total=self._attempt_seconds, connect=_CONNECT_TIMEOUT_SECONDS)
        with self._session.post(
            self._endpoint.url,
            data=message.body,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            stream=True,
            # OpenSSL's own variable, for certificate authorities of one's own.
            verify=os.environ.get("SSL_CERT_FILE") or True,
        ) as response:
            _read_rest(response)
            return _result(response)

    def _describe(self, error: Exception) -> str:
        """Return what failed. The error's own text isn't used: it may repeat the URL."""
        match error:
            case requests.exceptions.SSLError():
                return "TLS failed: check the endpoint's certificate"
            case requests.exceptions.ConnectTimeout():
                return f"no connection within {_CONNECT_TIMEOUT_SECONDS:g} s"
            case requests.exceptions.Timeout():
                return f"no response within {self._attempt_seconds:g} s"
            case requests.exceptions.ConnectionError(args=[cause, *_]):
                return f"the connection failed ({type(getattr(cause, 'reason', cause)).__name__})"
            case _:
                return f"it can't be called ({type(error).__name__})"


def _result(response: requests.Response) -> AttemptResult:
    status = response.status_code
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
        return AttemptResult(AttemptOutcome.DELIVERED)
    if status == HTTPStatus.GONE:
        return AttemptResult(AttemptOutcome.GONE, f"answered {status}")
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's own numbers
        return AttemptResult(
            AttemptOutcome.FAILED, f"answered {status}, and redirects are not followed"
        )
    is_throttled = status in _THROTTLED
    headers = response.headers if is_throttled else {}
    retry_after = parse_retry_after(headers, max_seconds=MAX_RETRY_AFTER_SECONDS)

    return AttemptResult(AttemptOutcome.FAILED, f"answered {status}", retry_after)


def _read_rest(response: requests.Response) -> None:
    """Read the body up to a limit, as it is; whatever happens, the status is known."""
    remaining = _MAX_RESPONSE_BYTES
    try:
        while remaining > 0 and (chunk := response.raw.read1(remaining, decode_content=False)):
            remaining -= len(chunk)
    except (OSError, HTTPError):
        return
