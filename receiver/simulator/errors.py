"""Error responses: Twilio's problem documents (RFC 9457), and the older form of its v2 API."""

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
        17531: "Account not eligible for transcription",
        17533: "Recording not eligible for transcription",
        17534: "Idempotency key payload mismatch",
        17563: "Could not resolve participant addresses from recording",
        20001: "Invalid parameter",
        20003: "Authentication failed",
        20004: "Method not allowed",
        20404: "Resource not found",
        20413: "Request body too large",
        20421: "Misdirected request",
        20429: "Too many requests",
        20500: "Internal server error",
    }
)
# All other codes are 400. Twilio's description lists 403 (the account is not eligible), 404 (for a
# recording), 422 and 429 without their codes; only 17563 is documented with its status.
_STATUSES: Mapping[int, int] = MappingProxyType(
    {
        17531: 403,
        17534: 422,
        17563: 422,
        20003: 401,
        20004: 405,
        20404: 404,
        20413: 413,
        20421: 421,
        20429: 429,
        20500: 500,
    }
)


@dataclass(frozen=True)
class Violation:
    """A rule that a request violates: Twilio's error code, and where (a JSON Pointer)."""

    code: int
    detail: str
    pointer: str | None = None


class ApiError(Exception):
    """An error response. It has the first violation's code, and lists all violations."""

    def __init__(
        self, violations: Sequence[Violation], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(violations[0].detail)
        self.violations = violations
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUSES.get(self.violations[0].code, 400)

    def problem_document(self) -> dict[str, Any]:
        """Return the problem document."""
        first = self.violations[0]
        errors = [
            {"detail": violation.detail, "pointer": violation.pointer}
            for violation in self.violations
            if violation.pointer
        ]

        return {
            "type": _documentation_url(first.code),
            "title": _TITLES[first.code],
            "status": self.status,
            "code": first.code,
            "detail": first.detail,
            **({"errors": errors} if errors else {}),
        }

    def v2_document(self) -> dict[str, Any]:
        """Return the document with which Twilio's v2 configurations report an error."""
        first = self.violations[0]

        return {
            "code": first.code,
            "message": first.detail,
            "more_info": _documentation_url(first.code),
            "status": self.status,
        }


def api_error(code: int, detail: str, pointer: str | None = None, **headers: str) -> ApiError:
    """Return the error for one violation; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    return ApiError([Violation(code, detail, pointer)], named)


def _documentation_url(code: int) -> str:
    return f"https://www.twilio.com/docs/api/errors/{code}"
