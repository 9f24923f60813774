"""The HTTP under Twilio's SDK: bounded in time and size, and to one place only.

`requests` bounds each wait for the network and never the sum of them: a server that sends a byte
now and then would keep a call for good. So in the web process gevent's hub ends the call.
Elsewhere nothing can: there each wait is bounded, and the deadline is looked at after each part of
the body.

It imports the SDK's REST client and `requests`, which the web process needs for a submission only:
import this module where a call is about to be made.
"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests import RequestException, Session
from requests import Response as HttpResponse
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import HTTPError

from receiver.runtime.deadline import Deadline
from receiver.runtime.timeouts import DeadlineExceededError, time_limit
from receiver.twilio.errors import TwilioUnavailableError

# In seconds: for the connection, and for a call as a whole, or where there is no hub each wait.
_CONNECT = 5.0
_SECONDS = 30.0
# In bytes, of one answer: a job, or a page of a hundred. Decoding it holds up the web process, in
# which nobody asks for pages.
_LARGEST, _LARGEST_PAGE = 1024 * 1024, 16 * 1024 * 1024


class _Straight(Session):
    """A session that sees no redirect: `requests` reads a redirect's body whole otherwise."""

    def get_redirect_target(self, resp: HttpResponse) -> None:  # noqa: ARG002 - its signature
        """Return that there is none."""
        return


class Received(Response):  # type: ignore[misc]  # the SDK has no types
    """The SDK's response, with the bytes as they came."""

    def __init__(self, response: HttpResponse, body: bytes) -> None:
        super().__init__(response.status_code, body.decode(errors="replace"), response.headers)
        self.body = body


class HttpClient(TwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Sends the SDK's requests, to `base_url` if there is one and else to Twilio's hosts.

    In the web process a call takes 30 seconds at most, and no longer than the deadline. It follows
    no redirect, for the credentials are Twilio's alone, and takes no proxy from the environment.
    """

    def __init__(self, *, base_url: str | None, deadline: Deadline | None) -> None:
        super().__init__(timeout=_SECONDS)
        self._deadline = deadline
        self.session = _Straight()
        self.session.trust_env = False
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
    ) -> Received:
        """Return the response, whatever its status, or raise TwilioUnavailableError."""
        seconds = min(
            timeout or _SECONDS, self._deadline.remaining() if self._deadline else _SECONDS
        )
        deadline = Deadline(seconds)
        if not seconds:
            raise TwilioUnavailableError("There was no time left to ask Twilio.")
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
                    timeout=(min(_CONNECT, seconds), seconds),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                largest = _LARGEST_PAGE if params else _LARGEST
                return Received(response, _body(response, deadline, largest))
        except (RequestException, HTTPError, DeadlineExceededError) as error:
            raise TwilioUnavailableError(
                f"Twilio did not answer: {type(error).__name__}."
            ) from error

    def _address(self, url: str) -> str:
        if self._base is None:
            return url
        there = urlsplit(url)._replace(scheme=self._base.scheme, netloc=self._base.netloc)

        return urlunsplit(there)


def _body(response: HttpResponse, deadline: Deadline, largest: int) -> bytes:
    """Read what comes as it comes: `iter_content` waits until it has a whole part."""
    body = bytearray()
    while part := response.raw.read1(65536, decode_content=True):
        body += part
        if len(body) > largest:
            raise TwilioUnavailableError(f"Twilio's answer is larger than {largest} bytes.")
        if not deadline.remaining():
            raise TwilioUnavailableError("Twilio's answer took too long.")

    return bytes(body)


def rest_client(
    credentials: tuple[str, str], *, base_url: str | None, deadline: Deadline | None
) -> Client:
    """Return the SDK's client; of the environment it minds TWILIO_REGION and TWILIO_EDGE alone."""
    username, password = credentials

    return Client(username, password, http_client=HttpClient(base_url=base_url, deadline=deadline))
