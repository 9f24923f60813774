"""The HTTP transport below Twilio's SDK: it limits time, size and destination.

In the web process, gevent ends a call at its deadline. Elsewhere nothing can interrupt a wait, so
the response itself has a limit (receiver.runtime.bounded_http).

This module imports the SDK's REST client and `requests`, which the web process needs for
submissions only. Import it late.
"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests import RequestException
from requests import Response as HttpResponse
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import HTTPError

from receiver.runtime.bounded_http import DirectSession
from receiver.runtime.deadline import Deadline
from receiver.runtime.timeouts import DeadlineExceededError, time_limit
from receiver.twilio.errors import TwilioUnavailableError

_CONNECT_TIMEOUT_SECONDS = 5.0
# For a whole call in the web process; elsewhere for the response, from the end of the request.
_CALL_TIMEOUT_SECONDS = 30.0
# A response is one document, or a page of a hundred. Decoding a response blocks the web process,
# which requests no pages.
MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_PAGE_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


class RawResponse(Response):  # type: ignore[misc]  # the SDK has no types
    """The SDK's response, with its exact bytes."""

    def __init__(self, response: HttpResponse, body: bytes) -> None:
        super().__init__(response.status_code, body.decode(errors="replace"), response.headers)
        self.body = body


class HttpClient(TwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Sends the SDK's requests to `base_url`, or to Twilio's own hosts if it is None.

    A call takes at most 30 seconds in the web process, and little longer elsewhere. It ends by the
    deadline. No redirect is followed and no proxy of the environment is used: the credentials must
    reach Twilio only.
    """

    def __init__(
        self,
        *,
        base_url: str | None,
        deadline: Deadline | None,
        max_document_bytes: int = MAX_DOCUMENT_BYTES,
        max_page_bytes: int = MAX_PAGE_BYTES,
    ) -> None:
        super().__init__(timeout=_CALL_TIMEOUT_SECONDS)
        self._max_document_bytes = max_document_bytes
        self._max_page_bytes = max_page_bytes
        self._deadline = deadline
        self.session = DirectSession()
        self._base = urlsplit(base_url) if base_url else None

    def request(  # noqa: PLR0913, PLR0917 - the SDK's signature
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,  # noqa: ARG002, FBT001, FBT002 - the SDK's signature
    ) -> RawResponse:
        """Return the response with any status, or raise TwilioUnavailableError."""
        seconds = self._seconds(timeout)
        try:
            with (
                time_limit(seconds),
                self.session.request(
                    method,
                    self._address(url),
                    params=params,
                    json=data or None,
                    headers=headers,
                    auth=auth,
                    timeout=(min(_CONNECT_TIMEOUT_SECONDS, seconds), seconds),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                max_bytes = self._max_page_bytes if params else self._max_document_bytes
                return RawResponse(response, _read_body(response, max_bytes))
        except (RequestException, HTTPError, DeadlineExceededError) as error:
            raise TwilioUnavailableError(
                f"Twilio did not answer: {type(error).__name__}."
            ) from error

    def _seconds(self, timeout: float | None) -> float:
        """Return how long a call may take."""
        seconds = timeout or _CALL_TIMEOUT_SECONDS
        if self._deadline:
            seconds = min(seconds, self._deadline.remaining())
        if not seconds:
            raise TwilioUnavailableError("No time was left to call Twilio.")

        return seconds

    def _address(self, url: str) -> str:
        if self._base is None:
            return url
        address = urlsplit(url)._replace(scheme=self._base.scheme, netloc=self._base.netloc)

        return urlunsplit(address)


def _read_body(response: HttpResponse, max_bytes: int) -> bytes:
    """Read the bytes as they arrive; `iter_content` would wait for a full chunk."""
    body = bytearray()
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            raise TwilioUnavailableError(f"Twilio's answer is larger than {max_bytes} bytes.")

    return bytes(body)


def rest_client(
    credentials: tuple[str, str],
    *,
    base_url: str | None,
    deadline: Deadline | None,
    max_document_bytes: int = MAX_DOCUMENT_BYTES,
    max_page_bytes: int = MAX_PAGE_BYTES,
) -> Client:
    """Return the SDK's client; it reads TWILIO_REGION and TWILIO_EDGE from the environment."""
    username, password = credentials
    http_client = HttpClient(
        base_url=base_url,
        deadline=deadline,
        max_document_bytes=max_document_bytes,
        max_page_bytes=max_page_bytes,
    )

    return Client(username, password, http_client=http_client)
