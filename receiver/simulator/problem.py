"""Refusals: Twilio's problem documents (RFC 9457), and the older form of its v2 configurations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_TITLES: Mapping[int, str] = MappingProxyType(
    {
        17500: "Missing sourceId or mediaUrl",
        17501: "Invalid transcriptionConfigurationId",
        17502: "Invalid sourceId - not a valid Recording SID",
        17510: "Invalid participant count",
        17511: "Invalid audioChannelIndex. Must be 1 or 2",
        17512: "Non-integer audioChannelIndex",
        17513: "Duplicate audio channel",
        17514: "Invalid participant type",
        17515: "Inconsistent participant types",
        17516: "Participants must include at least one CUSTOMER",
        17517: "Missing participant address",
        17530: "Transcription configuration not found",
        17533: "Recording not eligible for transcription",
        17534: "Idempotency key payload mismatch",
        17563: "Could not resolve participant addresses from recording",
        20001: "Invalid parameter",
        20003: "Authentication failed",
        20004: "Method not allowed",
        20404: "Resource not found",
        20413: "Request body too large",
        20429: "Too many requests",
        20500: "Internal server error",
    }
)
# The statuses of those that aren't 400. Twilio's description names 404 (for a recording), 422 and
# 429, without the codes; 17563 is documented.
_STATUSES: Mapping[int, int] = MappingProxyType(
    {
        17534: 422,
        17563: 422,
        20003: 401,
        20004: 405,
        20404: 404,
        20413: 413,
        20429: 429,
        20500: 500,
    }
)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a request: Twilio's error code, and where (a JSON Pointer)."""

    code: int
    detail: str
    pointer: str | None = None


class RefusalError(Exception):
    """A request is answered with an error: the first fault's, all of them being told."""

    def __init__(self, faults: Sequence[Fault], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(faults[0].detail)
        self.faults = faults
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUSES.get(self.faults[0].code, 400)

    def document(self) -> dict[str, Any]:
        """Return the problem document."""
        first = self.faults[0]
        errors = [
            {"detail": fault.detail, "pointer": fault.pointer}
            for fault in self.faults
            if fault.pointer
        ]

        return {
            "type": _more_info(first.code),
            "title": _TITLES[first.code],
            "status": self.status,
            "code": first.code,
            "detail": first.detail,
            **({"errors": errors} if errors else {}),
        }

    def older_document(self) -> dict[str, Any]:
        """Return the form in which Twilio's v2 configurations tell an error."""
        first = self.faults[0]

        return {
            "code": first.code,
            "message": first.detail,
            "more_info": _more_info(first.code),
            "status": self.status,
        }


def refusal(code: int, detail: str, pointer: str | None = None, **headers: str) -> RefusalError:
    """Return the refusal for one fault; an underscore in a header's name is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    return RefusalError([Fault(code, detail, pointer)], named)


def _more_info(code: int) -> str:
    return f"https://www.twilio.com/docs/api/errors/{code}"
