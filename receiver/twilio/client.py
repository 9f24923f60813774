"""Twilio's REST API as far as we use it: jobs, conversations and configurations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from receiver.runtime.deadline import Deadline
from receiver.settings.config import Settings
from receiver.twilio.errors import (
    NotConfiguredError,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
)
from receiver.twilio.responses import Answer, answer_of
from schemas.storable import ID_PATTERN, is_storable

if TYPE_CHECKING:
    from twilio.rest import Client

__all__ = [
    "Answer",
    "NotConfiguredError",
    "Page",
    "Twilio",
    "TwilioBusyError",
    "TwilioRefusedError",
    "TwilioUnavailableError",
    "twilio_of",
]

_VOICE = "https://voice.twilio.com"
_CONVERSATIONS = "https://conversations.twilio.com"
_PAGE_SIZE = "100"
# A call of eight hours has some ten thousand utterances.
_MOST_COMMUNICATIONS = 100_000

_LONGEST_TOKEN = 8192  # characters

Documents = list[dict[str, Any]]


@dataclass(frozen=True)
class Page:
    """One page of a list: its documents, as Twilio told them, and the `pageToken` of the next."""

    documents: Documents
    next_token: str | None = None


class Twilio:
    """Calls to Twilio's REST API; any thread may call.

    Each raises TwilioRefusedError, TwilioBusyError or TwilioUnavailableError. An id that can't be
    one raises ValueError before anything is sent.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.http_client.session.close()

    def create(self, body: dict[str, Any], *, idempotency_key: str) -> Answer:
        """Submit a job; a repeat with the same key and body gets the original answer."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}

        return self._call("POST", f"{_VOICE}/v3/Transcriptions", data=body, headers=headers)

    def fetch(self, job_id: str) -> Answer:
        """Fetch a job, in its envelope; `retry_after` is set while it isn't over."""
        return self._call("GET", f"{_VOICE}/v3/Transcriptions/{_id(job_id)}")

    def list(self, **query: str) -> Iterator[Page]:
        """Go through the jobs page by page; the query has Twilio's names (`createdAfter`, …)."""
        return self._pages(f"{_VOICE}/v3/Transcriptions", {"pageSize": _PAGE_SIZE, **query})

    def communications(self, conversation_id: str) -> Documents:
        """Return all that was said in a conversation, as Twilio told it."""
        url = f"{_CONVERSATIONS}/v2/Conversations/{_id(conversation_id)}/Communications"
        found: Documents = []
        for page in self._pages(url, {"pageSize": _PAGE_SIZE}):
            found += page.documents
            if len(found) > _MOST_COMMUNICATIONS:
                raise TwilioUnavailableError(f"Conversation {conversation_id} has no end.")

        return found

    def configuration(self, configuration_id: str) -> Answer:
        """Fetch a Transcription Configuration, by its id or its unique name."""
        return self._call(
            "GET", f"{_VOICE}/v2/Configurations/Transcription/{_id(configuration_id)}"
        )

    def _pages(self, url: str, query: dict[str, str]) -> Iterator[Page]:
        seen: set[str] = set()
        while True:
            document = self._call("GET", url, params=query).document
            documents = _documents(document)
            token = document["meta"].get("nextToken") or None
            if token is not None and not _is_token(token):
                raise TwilioUnavailableError("Twilio's list goes on nowhere.")
            if token in seen:
                raise TwilioUnavailableError("Twilio's list leads in a circle.")
            yield Page(documents, token)
            if token is None:
                return
            seen.add(token)
            query = {**query, "pageToken": token}

    def _call(self, method: str, url: str, **arguments: Any) -> Answer:
        received = self._client.request(method, url, **arguments)

        return answer_of(received.status_code, received.headers, received.body)


def twilio_of(settings: Settings, *, deadline: Deadline | None = None) -> Twilio:
    """Return what calls Twilio with the settings' credentials, each call before the deadline.

    Raises NotConfiguredError. Close it in the end, or use it as a context manager.
    """
    credentials = settings.twilio_credentials
    if credentials is None:
        raise NotConfiguredError(
            "Nothing can be asked of Twilio: set TWILIO_API_KEY and TWILIO_API_SECRET, or "
            "TWILIO_ACCOUNT_SID beside that account's TWILIO_AUTH_TOKEN."
        )
    from receiver.twilio.transport import (  # noqa: PLC0415 - keeps the SDK out of the web process
        rest_client,
    )

    return Twilio(rest_client(credentials, base_url=settings.twilio_base_url, deadline=deadline))


def _documents(document: dict[str, Any]) -> Documents:
    """Return the rows of a page, which `meta.key` names."""
    meta = document.get("meta")
    key = meta.get("key") if isinstance(meta, dict) else None
    rows = document.get(key) if isinstance(key, str) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TwilioUnavailableError("Twilio answered something that is no page of a list.")

    return rows


def _is_token(token: object) -> bool:
    return isinstance(token, str) and len(token) <= _LONGEST_TOKEN and is_storable(token)


def _id(value: str) -> str:
    """Return the id, which goes into a path; raises ValueError for what can't be one."""
    if not re.fullmatch(ID_PATTERN, value):
        raise ValueError("Not an id.")

    return value
