"""Parses the pages of Twilio's lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from receiver.twilio.errors import TwilioUnavailableError
from schemas.storable import is_storable

_MAX_TOKEN_CHARACTERS = 8192

Documents = list[dict[str, Any]]


@dataclass(frozen=True)
class Page:
    """One page of a list: its documents as Twilio sent them, and the next page's `pageToken`."""

    documents: Documents
    next_token: str | None = None


def parse_page(document: Mapping[str, Any]) -> Page:
    """Return the page, or raise TwilioUnavailableError if the document isn't one."""
    meta = document.get("meta")
    # `meta.key` names the member that contains the documents.
    key = meta.get("key") if isinstance(meta, dict) else None
    documents = document.get(key) if isinstance(key, str) else None
    if not isinstance(documents, list) or not all(isinstance(each, dict) for each in documents):
        raise TwilioUnavailableError("Twilio's answer is not a page of a list.")
    token = document["meta"].get("nextToken") or None
    if token is not None and not _is_storable_token(token):
        raise TwilioUnavailableError("Twilio's list has an invalid nextToken.")

    return Page(documents, token)


def _is_storable_token(token: object) -> bool:
    """Return whether Postgres can store the token, for a scan that is resumed later."""
    return isinstance(token, str) and len(token) <= _MAX_TOKEN_CHARACTERS and is_storable(token)
