"""A client of Twilio's REST API, for what the service uses: jobs, conversations, configurations."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from receiver.runtime.deadline import Deadline
from receiver.settings.config import Settings
from receiver.twilio.errors import (
    NotConfiguredError,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
)
from receiver.twilio.logins import Logins, logins_of
from receiver.twilio.pages import Documents, Page, parse_page
from receiver.twilio.responses import TwilioResponse, parse_response
from schemas.storable import ID_PATTERN

if TYPE_CHECKING:
    from twilio.rest import Client

__all__ = [
    "NotConfiguredError",
    "Page",
    "Twilio",
    "TwilioBusyError",
    "TwilioRefusedError",
    "TwilioResponse",
    "TwilioUnavailableError",
    "open_twilio",
]

_VOICE = "https://voice.twilio.com"
_CONVERSATIONS = "https://conversations.twilio.com"
_PAGE_SIZE = "100"
# A call of eight hours has about ten thousand utterances.
_MAX_COMMUNICATIONS_COUNT = 100_000


class Twilio:
    """The REST client; it is thread-safe.

    Each call raises TwilioRefusedError, TwilioBusyError or TwilioUnavailableError. An invalid id
    raises ValueError, and nothing is sent. If Twilio refuses the credentials (401), the call is
    repeated with the other ones of `logins`, by default the client's own.
    """

    def __init__(self, client: "Client", logins: Logins | None = None) -> None:
        self._client = client
        self._logins = logins or Logins(((client.username, client.password),))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.http_client.session.close()

    def create(self, body: dict[str, Any], *, idempotency_key: str) -> TwilioResponse:
        """Submit a job; a second call with the same key and body gets the original response."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}

        return self._call("POST", f"{_VOICE}/v3/Transcriptions", data=body, headers=headers)

    def fetch(self, job_id: str) -> TwilioResponse:
        """Fetch a job in its envelope; `retry_after_seconds` is set while it is unfinished."""
        return self._call("GET", f"{_VOICE}/v3/Transcriptions/{_id(job_id)}")

    def list(self, **query: str) -> Iterator[Page]:
        """Yield the pages of the list of jobs; the query has Twilio's names (`createdAfter`, …)."""
        return self._pages(f"{_VOICE}/v3/Transcriptions", {"pageSize": _PAGE_SIZE, **query})

    def communications(self, conversation_id: str) -> Documents:
        """Return all communications of a conversation as Twilio sent them."""
        url = f"{_CONVERSATIONS}/v2/Conversations/{_id(conversation_id)}/Communications"
        communications: Documents = []
        for page in self._pages(url, {"pageSize": _PAGE_SIZE}):
            communications += page.documents
            if len(communications) > _MAX_COMMUNICATIONS_COUNT:
                raise TwilioUnavailableError(f"Conversation {conversation_id} is too long.")

        return communications

    def configuration(
        self, configuration_id: str, *, timeout_seconds: float | None = None
    ) -> TwilioResponse:
        """Fetch a Transcription Configuration by its id or its unique name."""
        url = f"{_VOICE}/v2/Configurations/Transcription/{_id(configuration_id)}"

        return self._call("GET", url, timeout=timeout_seconds)

    def _pages(self, url: str, query: dict[str, str]) -> Iterator[Page]:
        seen: set[str] = set()
        while True:
            page = parse_page(self._call("GET", url, params=query).document)
            if page.next_token in seen:
                raise TwilioUnavailableError("Twilio's list repeats a nextToken.")
            yield page
            if page.next_token is None:
                return
            seen.add(page.next_token)
            query = {**query, "pageToken": page.next_token}

    def _call(self, method: str, url: str, **arguments: Any) -> TwilioResponse:
        for credentials in self._logins:
            received = self._client.request(method, url, auth=credentials, **arguments)
            if received.status_code != HTTPStatus.UNAUTHORIZED:
                self._logins.mark_working(credentials)
                break

        return parse_response(received.status_code, received.headers, received.body)


def open_twilio(settings: Settings, *, deadline: Deadline | None = None) -> Twilio:
    """Return a client with the settings' credentials; all its calls end by the deadline.

    Close it, or use it as a context manager. Raises NotConfiguredError.
    """
    credentials = settings.twilio_credentials
    if not credentials:
        raise NotConfiguredError(
            "Twilio's API needs credentials: set TWILIO_API_KEY and TWILIO_API_SECRET, or "
            "TWILIO_ACCOUNT_SID and that account's TWILIO_AUTH_TOKEN."
        )
    # The web process starts without the SDK's REST client.
    from receiver.twilio.transport import rest_client  # noqa: PLC0415

    client = rest_client(credentials[0], base_url=settings.twilio_base_url, deadline=deadline)

    return Twilio(client, logins_of(credentials))


def _id(value: str) -> str:
    """Return the id, which becomes a part of a path; raise ValueError if it is invalid."""
    if not re.fullmatch(ID_PATTERN, value):
        raise ValueError("Not an id.")

    return value
