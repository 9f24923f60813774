"""Pages of a list. An opaque token contains the filters, the page size and the position."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from receiver.simulator.errors import ApiError, Violation, api_error
from receiver.simulator.job_filters import FILTERS, filter_violations

_DEFAULT_PAGE_SIZE, _MAX_PAGE_SIZE = 50, 100

Item = TypeVar("Item")


@dataclass(frozen=True)
class PageRequest:
    """Which page: it starts after the position `after`, or ends before the position `before`."""

    filters: dict[str, str]
    size: int = _DEFAULT_PAGE_SIZE
    after: int | None = None
    before: int | None = None


def parse_page_request(query: Mapping[str, str]) -> PageRequest:
    """Return the requested page; raises ApiError (400) for an invalid query.

    A token replaces all other parameters: from page 2 on, the SDK's `…_with_http_info` lists send
    only the token, and they use both spellings.
    """
    token = query.get("pageToken", query.get("PageToken"))
    if token is not None:
        return _decode_token(token)
    size = query.get("pageSize", query.get("PageSize"))
    filters = {name: query[name] for name in FILTERS if name in query}
    violations = filter_violations(filters)
    if size is not None and not re.fullmatch("0*[1-9][0-9]{0,8}", size):
        violations.append(Violation(20001, "pageSize must be 1 or more.", "#/pageSize"))
    if violations:
        raise ApiError(violations)

    return PageRequest(filters, min(int(size or _DEFAULT_PAGE_SIZE), _MAX_PAGE_SIZE))


def render_page(
    key: str,
    items: Sequence[Item],
    request: PageRequest,
    *,
    position: Callable[[Item], int],
    render: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """Return one page of `items`, which must be sorted by `position`, as Twilio renders it."""
    if request.before is not None:
        earlier = [item for item in items if position(item) < request.before]
        chosen = earlier[-request.size :]
    else:
        start = -(2**63) if request.after is None else request.after
        chosen = [item for item in items if position(item) > start][: request.size]
    # pageSize is "the actual number of resources returned in the response".
    meta: dict[str, Any] = {"key": key, "pageSize": len(chosen)}
    if chosen and position(chosen[-1]) < position(items[-1]):
        meta["nextToken"] = _encode_token(request, after=position(chosen[-1]))
    if chosen and position(chosen[0]) > position(items[0]):
        meta["previousToken"] = _encode_token(request, before=position(chosen[0]))

    return {key: [render(item) for item in chosen], "meta": meta}


def _encode_token(
    request: PageRequest, *, after: int | None = None, before: int | None = None
) -> str:
    members = asdict(PageRequest(request.filters, request.size, after, before))

    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


def _decode_token(token: str) -> PageRequest:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        request = PageRequest(**json.loads(text))
        is_valid = _is_valid(request)
    except (ValueError, TypeError, AttributeError, RecursionError):
        is_valid = False
    if not is_valid:
        raise api_error(20001, "pageToken is not a token of this list.", "#/pageToken")

    return request


def _is_valid(request: PageRequest) -> bool:
    positions = (request.after, request.before)

    return (
        1 <= request.size <= _MAX_PAGE_SIZE
        and all(position is None or isinstance(position, int) for position in positions)
        and all(isinstance(value, str) for value in request.filters.values())
        and not filter_violations(request.filters)
    )
