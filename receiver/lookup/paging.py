"""Pages of a list: parses which page a request asks for, and makes opaque page tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

from receiver.store.page import Cursor, Page, Span
from receiver.web.arguments import invalid_arguments, parse_arguments
from receiver.web.opaque_tokens import NewerTokenError, decode_token, encode_token
from receiver.web.problems import ProblemError
from schemas.parameters import DEFAULT_PAGE_SIZE
from schemas.query import PagedQuery
from schemas.token import TOKEN_VERSION, Token


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """Which page of a list a request asks for."""

    filters: Mapping[str, Any]
    span: Span


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A list that is read in pages; its tokens are valid for no other list."""

    key: str  # the member of the response that contains the rows
    query: PagedQuery
    token: Token
    parent: str = ""  # the id of the job that the list belongs to

    def parse_request(self) -> PageRequest:
        """Return which page the query of the current request asks for.

        A page token contains the filters and the page size; parameters next to it must agree with
        it. Raises ProblemError 400 if they don't, if the token isn't one of this list, or if the
        query is invalid, and 410 if the token is of a newer release.
        """
        given = parse_arguments(self.query)
        encoded = given.pop("page_token", None)
        if encoded is None:
            size = given.pop("page_size", DEFAULT_PAGE_SIZE)
            return PageRequest(filters=given, span=Span(size=size))
        token = self._decode(encoded)
        filters = token.get("filters", {})
        self._require_agreement(given, {**filters, "page_size": token["size"]})
        cursor = Cursor(at=token["at"], id=token["id"], backward=token["backward"])

        return PageRequest(filters=filters, span=Span(size=token["size"], cursor=cursor))

    def page_meta(self, request: PageRequest, page: Page) -> dict[str, Any]:
        """Return the `meta` member of Twilio's list responses."""
        return {
            "key": self.key,
            "page_size": len(page.rows),
            "next_token": page.next and self._encode(request, page.next),
            "previous_token": page.previous and self._encode(request, page.previous),
        }

    @property
    def _name(self) -> str:
        return f"{self.key}/{self.parent}"

    def _encode(self, request: PageRequest, cursor: Cursor) -> str:
        members = {
            "version": TOKEN_VERSION,
            "collection": self._name,
            "backward": cursor.backward,
            "at": cursor.at,
            "id": cursor.id,
            "size": request.span.size,
            "filters": request.filters,
        }

        return encode_token(self.token.dump(members))

    def _decode(self, encoded: str) -> dict[str, Any]:
        try:
            token: dict[str, Any] = self.token.load(
                decode_token(encoded, version_member="version", version=TOKEN_VERSION)
            )
        except NewerTokenError:
            raise ProblemError(
                410, "A newer release of this service made the page token; start again without it."
            ) from None
        except (ValueError, ValidationError):
            token = {}
        if token.get("collection") != self._name:
            raise invalid_arguments(
                {"pageToken": ["Not a token of this list; start again without it."]}
            )

        return token

    def _require_agreement(self, given: Mapping[str, Any], in_token: Mapping[str, Any]) -> None:
        text = "Contradicts the page token; omit it, or start again without the token."
        errors = {
            self.query.parameter(name): [text]
            for name, value in given.items()
            if in_token.get(name) != value
        }
        if errors:
            raise invalid_arguments(errors)
