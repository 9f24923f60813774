"""Makes a statement that reads texts write a row of the audit for each of them."""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, bindparam, insert, select

from receiver.store.tables import audit


class Route(StrEnum):
    """Every way in which a transcript or a body leaves the service: a route or a command."""

    TRANSCRIPT = "Transcript"
    TRANSCRIPT_JSON = "Transcript.json"
    TRANSCRIPT_TXT = "Transcript.txt"
    TRANSCRIPT_VTT = "Transcript.vtt"
    TRANSCRIPT_SRT = "Transcript.srt"
    LINK = "link to Transcript.vtt"  # its reader is the key that made the link
    BODY = "Body"
    CONSOLE = "console"
    BODY_COMMAND = "command callbacks body"
    EXPORT = "Export"
    EXPORT_COMMAND = "command export"
    SEARCH = "Search"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A read: who reads, and how. The statement adds what is read, and the database the time."""

    reader: str  # the name of the API key; for a command `user:` and the operating system's user
    route: Route
    format: str  # as in `?format=`; `bytes` for a body as it was received
    status: int | None = None  # 200 or 304; None for a command
    request_id: str | None = None  # None for a command

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the parameters of an audited statement."""
        return {**asdict(self), "route": self.route.value}


_GIVEN = tuple(field.name for field in fields(Access))
_FOUND = ("job_id", "callback_id")


def audited(found: CTE, *columns: ColumnElement[Any]) -> Select[Any]:
    """Return the statement that reads `columns` of `found`, and writes a row for each row of it.

    `found` has `job_id` and `callback_id`, which is null for a transcript. The statement needs
    `Access.parameters` besides its own. If the rows can't be written it fails, so it reads nothing.
    Repeated after a lost connection, it may leave two rows for one read.
    """
    return select(*columns).select_from(found).add_cte(audit_of(found))


def audit_of(found: CTE) -> CTE:
    """Return the part of a statement that writes a row for each row of `found`; see `audited`."""
    given = (bindparam(name, type_=audit.c[name].type).label(name) for name in _GIVEN)
    rows = select(*given, *(found.c[name] for name in _FOUND))

    return insert(audit).from_select([*_GIVEN, *_FOUND], rows).cte("audited")
