"""Pages: which one a query asks for, and the opaque tokens that lead from one to the next."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

from receiver.store.page import Cursor, Page, Span
from receiver.web.arguments import arguments, refusal
from schemas.parameters import DEFAULT_PAGE_SIZE
from schemas.query import PagedQuery
from schemas.token import TOKEN_VERSION, Token


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which page of a list is meant."""

    filters: Mapping[str, Any]
    span: Span


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A list that is read in pages; no other list takes its tokens."""

    key: str  # the member that holds the rows
    query: PagedQuery
    token: Token
    parent: str = ""  # the id of the job that the list belongs to

    def place(self) -> Place:
        """Return the page that the request's query asks for.

        A token says everything by itself, and what stands beside it must agree with it. Raises
        Problem 400 for a contradiction, for what isn't a token of this list, and for a query that
        isn't valid.
        """
        asked = arguments(self.query)
        encoded = asked.pop("page_token", None)
        if encoded is None:
            size = asked.pop("page_size", DEFAULT_PAGE_SIZE)
            return Place(filters=asked, span=Span(size=size))
        token = self._decode(encoded)
        filters = token.get("filters", {})
        self._refuse_contradictions(asked, {**filters, "page_size": token["size"]})
        cursor = Cursor(at=token["at"], id=token["id"], backward=token["backward"])

        return Place(filters=filters, span=Span(size=token["size"], cursor=cursor))

    def meta(self, place: Place, page: Page) -> dict[str, Any]:
        """Return what Twilio's list shape tells of the page."""
        return {
            "key": self.key,
            "page_size": place.span.size,
            "next_token": page.next and self._encode(place, page.next),
            "previous_token": page.previous and self._encode(place, page.previous),
        }

    @property
    def _name(self) -> str:
        return f"{self.key}/{self.parent}"

    def _encode(self, place: Place, cursor: Cursor) -> str:
        members = {
            "version": TOKEN_VERSION,
            "collection": self._name,
            "backward": cursor.backward,
            "at": cursor.at,
            "id": cursor.id,
            "size": place.span.size,
            "filters": place.filters,
        }
        document = json.dumps(
            self.token.dump(members), separators=(",", ":"), ensure_ascii=False
        ).encode()

        return base64.urlsafe_b64encode(document).decode().rstrip("=")

    def _decode(self, encoded: str) -> dict[str, Any]:
        try:
            padded = encoded + "=" * (-len(encoded) % 4)
            document = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            token: dict[str, Any] = self.token.load(document)
        # ValueError: no base64, no UTF-8, no JSON, or a number of too many digits.
        except (ValueError, RecursionError, ValidationError):
            token = {}
        if token.get("collection") != self._name:
            raise refusal({"pageToken": ["Isn't a token of this list; begin again without it."]})

        return token

    def _refuse_contradictions(self, asked: Mapping[str, Any], carried: Mapping[str, Any]) -> None:
        fault = "Contradicts the page token; leave it out, or begin again without the token."
        faults = {
            self.query.parameter(name): [fault]
            for name, value in asked.items()
            if carried.get(name) != value
        }
        if faults:
            raise refusal(faults)
