"""Calls this service at its public address, as Twilio does."""

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import requests

from receiver.runtime.bounded_http import bound_responses
from receiver.runtime.errors import ReceiverError
from receiver.web.problems import MEDIA_TYPE

# Twilio doesn't wait longer.
PROBE_TIMEOUT_SECONDS = 15.0
# At most this much of a body is read: another server may have sent it.
MAX_CHUNK_COUNT, CHUNK_BYTES = 16, 4096


class ProbeError(ReceiverError):
    """The service did not answer as expected; `remedy` says what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class CredentialRejectedError(ProbeError):
    """Raised when this service itself rejected the credential; another one may be accepted."""


@dataclass(frozen=True)
class Answer:
    """A response.

    `location` is where a redirect leads, "" without one. `problem` is the detail of a problem
    document, None for any other body, such as a proxy's error page.
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
    """Call the URL without following redirects; raise ProbeError if there is no response.

    Connecting and the whole response may take PROBE_TIMEOUT_SECONDS each.
    """
    try:
        with (
            _session() as session,
            session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=auth,
                timeout=PROBE_TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
                # OpenSSL's own variable, which requests ignores.
                verify=os.environ.get("SSL_CERT_FILE") or True,
            ) as response,
        ):
            return _answer(response)
    except (requests.RequestException, ValueError) as error:
        # A ValueError too: requests doesn't convert all errors of urllib3.
        raise _connection_error(error) from error


def _session() -> requests.Session:
    session = requests.Session()
    bound_responses(session)

    return session


def _answer(response: requests.Response) -> Answer:
    body = b"".join(islice(response.iter_content(CHUNK_BYTES), MAX_CHUNK_COUNT))

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


def _certificate_error(error: BaseException | None) -> str:
    """Return why the certificate was rejected, "" if that isn't the cause of the error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f" ({error.verify_message})"
        error = error.__cause__ or error.__context__

    return ""


def _connection_error(error: Exception) -> ProbeError:
    # The error's own text isn't used: it repeats the URL with its credentials.
    if isinstance(error, requests.exceptions.SSLError):
        return ProbeError(
            f"TLS failed{_certificate_error(error)}",
            "Serve https there, with a certificate from a public certificate authority: Twilio "
            "doesn't accept any other. If an authority of your own signed it for this network, set "
            "SSL_CERT_FILE to the file with its certificate, for this command only.",
        )
    if isinstance(error, requests.Timeout):
        return ProbeError(
            f"no response within {PROBE_TIMEOUT_SECONDS:g} s",
            "Check that the web process is running, and read its log: Twilio doesn't "
            "wait longer than that (its error 17581).",
        )
    if isinstance(error, requests.ConnectionError):
        return ProbeError(
            "no connection to this address",
            "Check host and port of PUBLIC_URL, its DNS, and that the web process is running "
            "(Twilio's error 17582).",
        )

    return ProbeError(
        f"it can't be called ({type(error).__name__})",
        "Set PUBLIC_URL to the origin that Twilio calls, such as https://app.example.com.",
    )
