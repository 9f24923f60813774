"""Lists: which jobs a query asks for, and the opaque tokens that lead from page to page."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from receiver.simulator.creation import RECORDING_SID, moment
from receiver.simulator.job import Job
from receiver.simulator.problem import Fault, RefusalError, refusal

_DEFAULT_SIZE, _LARGEST_SIZE = 50, 100
_STATUSES = ("PENDING", "RUNNING", "COMPLETED", "FAILED")
_FILTERS = ("status", "sourceId", "createdAfter", "createdBefore", "languageCode")

Item = TypeVar("Item")


@dataclass(frozen=True)
class Place:
    """A page: its filters, its size, and after which row it begins (or before which it ends)."""

    filters: dict[str, str]
    size: int = _DEFAULT_SIZE
    after: int | None = None
    before: int | None = None


def place_of(query: Mapping[str, str]) -> Place:
    """Return the page that a query asks for; raises RefusalError (400) for what can't be one.

    A token says everything by itself: the SDK's `…_with_http_info` lists send nothing else from
    page 2 on, and in both spellings.
    """
    token = query.get("pageToken", query.get("PageToken"))
    if token is not None:
        return _place(token)
    size = query.get("pageSize", query.get("PageSize"))
    filters = {name: query[name] for name in _FILTERS if name in query}
    faults = [Fault(20001, detail, f"#/{name}") for name, detail in _filter_faults(filters)]
    if size is not None and not re.fullmatch("0*[1-9][0-9]{0,8}", size):
        faults.append(Fault(20001, "pageSize must be 1 or more.", "#/pageSize"))
    if faults:
        raise RefusalError(faults)

    return Place(filters, min(int(size or _DEFAULT_SIZE), _LARGEST_SIZE))


def wanted(filters: Mapping[str, str], now: datetime) -> Callable[[Job], bool]:
    """Return what tells whether a job passes the filters.

    `createdAfter` is inclusive, `createdBefore` exclusive, of the time that the job tells.
    """
    first, end = moment(filters.get("createdAfter")), moment(filters.get("createdBefore"))
    source, language = filters.get("sourceId"), filters.get("languageCode")
    status = filters.get("status")

    def passes(job: Job) -> bool:
        created = job.created_at.replace(microsecond=0)

        return (
            (status is None or job.status(now) == status)
            and (source is None or job.source_id == source)
            and (language is None or job.configuration["language"] == language)
            and (first is None or created >= first)
            and (end is None or created < end)
        )

    return passes


def page(
    key: str,
    rows: Sequence[Item],
    place: Place,
    *,
    position: Callable[[Item], int],
    shown: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """Return one page of `rows`, which are in order of `position`, in Twilio's shape."""
    if place.before is not None:
        earlier = [row for row in rows if position(row) < place.before]
        chosen = earlier[-place.size :]
    else:
        first = -(2**63) if place.after is None else place.after
        chosen = [row for row in rows if position(row) > first][: place.size]
    # pageSize is "the actual number of resources returned in the response".
    meta: dict[str, Any] = {"key": key, "pageSize": len(chosen)}
    if chosen and position(chosen[-1]) < position(rows[-1]):
        meta["nextToken"] = _token(place, after=position(chosen[-1]))
    if chosen and position(chosen[0]) > position(rows[0]):
        meta["previousToken"] = _token(place, before=position(chosen[0]))

    return {key: [shown(row) for row in chosen], "meta": meta}


def _filter_faults(filters: Mapping[str, str]) -> list[tuple[str, str]]:
    checks: dict[str, tuple[Callable[[str], object], str]] = {
        "status": (_STATUSES.__contains__, "status must be one of the four statuses."),
        "sourceId": (RECORDING_SID.fullmatch, "sourceId must be a SID in lowercase hex."),
        "createdAfter": (moment, "createdAfter must be an RFC 3339 date-time."),
        "createdBefore": (moment, "createdBefore must be an RFC 3339 date-time."),
    }

    return [
        (name, checks[name][1])
        for name, value in filters.items()
        if name in checks and not checks[name][0](value)
    ]


def _token(place: Place, *, after: int | None = None, before: int | None = None) -> str:
    told = asdict(Place(place.filters, place.size, after, before))

    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _place(token: str) -> Place:
    try:
        told = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        place = Place(**json.loads(told))
        usable = _is_usable(place)
    except (ValueError, TypeError, AttributeError, RecursionError):
        usable = False
    if not usable:
        raise refusal(20001, "pageToken is not a token of this list.", "#/pageToken")

    return place


def _is_usable(place: Place) -> bool:
    edges = (place.after, place.before)

    return (
        1 <= place.size <= _LARGEST_SIZE
        and all(edge is None or isinstance(edge, int) for edge in edges)
        and all(isinstance(value, str) for value in place.filters.values())
        and not _filter_faults(place.filters)
    )
