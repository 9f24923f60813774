"""From outside: this service called at its public address, and what a wrong answer means.

Imported by `doctor --send-test` alone: the web process needs no HTTP client.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice

import requests

from receiver.runtime.errors import ReceiverError
from receiver.web.problems import MEDIA_TYPE

# In seconds, to connect and again between two reads: Twilio's patience is no longer.
PATIENCE = 15.0
# Of an answer, whoever gives it: this many pieces of this many bytes.
READ_PIECES, READ_BYTES = 16, 4096

_IN_FRONT = (
    "Let Twilio through: not this service refuses it, but something in front of it (a login, a "
    "firewall, a list of addresses)."
)
_NOT_HERE = (
    "Correct PUBLIC_URL: another application answers there, or its path prefix is not the one that "
    "the proxy strips."
)
# What an answer that isn't this service's own, or is one that it never gives there, tells.
_REMEDIES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: _IN_FRONT,
    HTTPStatus.FORBIDDEN: _IN_FRONT,
    HTTPStatus.NOT_FOUND: _NOT_HERE,
    HTTPStatus.METHOD_NOT_ALLOWED: _NOT_HERE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "Raise MAX_BODY_BYTES, or the proxy's own limit, to 1 MB or more."
    ),
}


class ProbeError(ReceiverError):
    """No right answer came; says what came instead, and what to do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


class ProbeRefusedError(ProbeError):
    """Raised where the service itself refuses the credential; another one may do."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    `problem` is the detail of a problem document, and None for a page of some proxy's.
    """

    status: int
    body: bytes
    location: str
    problem: str | None


def call(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> Answer:
    """Call `url` as Twilio would, following no redirect; raise ProbeError where nobody answers."""
    try:
        with requests.request(
            method,
            url,
            data=body,
            headers=headers,
            auth=auth,
            timeout=PATIENCE,
            allow_redirects=False,
            stream=True,
        ) as response:
            return _answer(response)
    except (requests.RequestException, ValueError) as error:  # requests lets some of urllib3's out
        raise _unanswered(error) from error


def _answer(response: requests.Response) -> Answer:
    body = b"".join(islice(response.iter_content(READ_BYTES), READ_PIECES))

    return Answer(
        status=response.status_code,
        body=body,
        location=response.headers.get("Location", "").partition("?")[0][:200],
        problem=_detail(body) if response.headers.get("Content-Type") == MEDIA_TYPE else None,
    )


def _detail(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["detail"])[:200]
    except (ValueError, KeyError, TypeError):
        return None


def _unanswered(error: Exception) -> ProbeError:
    # The errors' own texts repeat the URL, credentials and all.
    if isinstance(error, requests.exceptions.SSLError):
        return ProbeError(
            "TLS failed",
            "Serve https there, with a certificate that public authorities vouch for: Twilio "
            "refuses any other.",
        )
    if isinstance(error, requests.Timeout):
        return ProbeError(
            f"no answer within {PATIENCE:g} s",
            "Look whether the web process runs and what it logs: Twilio doesn't wait longer "
            "(its error 17581).",
        )
    if isinstance(error, requests.ConnectionError):
        return ProbeError(
            "nobody can be reached there",
            "Check host and port of PUBLIC_URL, its DNS, and that the web process runs "
            "(Twilio's error 17582).",
        )

    return ProbeError(
        f"it cannot be called ({type(error).__name__})",
        "Set PUBLIC_URL to the origin that Twilio calls, such as https://app.example.com.",
    )


def explain(answer: Answer, *, refused: str) -> ProbeError:
    """Say why an answer is not the expected one; `refused` is the remedy for our own 401 or 403."""
    said = f"answered {answer.status}" + (f" ({answer.problem!a})" if answer.problem else "")
    if answer.problem and answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return ProbeRefusedError(said, refused)

    return ProbeError(said, _remedy(answer))


def _remedy(answer: Answer) -> str:
    if answer.location:
        return (
            f"Set PUBLIC_URL to where the redirect leads, {answer.location!a}, without the path; "
            "in Twilio's configuration too, for the signature speaks of the first address "
            "(Twilio's error 17584)."
        )
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "Look into the log of the web process, or of the proxy where that has no line."

    return _REMEDIES.get(
        answer.status, "Correct PUBLIC_URL: something else than this service answers there."
    )
