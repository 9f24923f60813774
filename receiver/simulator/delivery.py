"""Delivers a callback once, under Twilio's limits, to this machine only."""

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, unquote, urlsplit

from receiver.simulator.loopback import connect, loopback_addresses

# Twilio's defaults.
CONNECT_TIMEOUT_SECONDS, TOTAL_TIMEOUT_SECONDS = 5.0, 15.0
# Twilio's own limit is unknown. No receiver needs more.
_MAX_RESPONSE_BYTES = 64 * 1024
_RETRYABLE_CLIENT_ERRORS = {408, 425, 429}


@dataclass(frozen=True)
class DeliveryResult:
    """The result of one attempt; `error_code` is Twilio's, None if the callback was accepted."""

    response: str  # the status, or why there is none
    error_code: int | None = None
    is_retryable: bool = False


def deliver(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_seconds: float = TOTAL_TIMEOUT_SECONDS,
) -> DeliveryResult:
    """Post the body. Redirects are not followed, and proxy settings are ignored."""
    try:
        parts = urlsplit(url)
        port = parts.port or 80
        host_header = parts.netloc.rpartition("@")[2]
        all_headers = {**headers, **_authorization(parts), "Host": host_header}
    except ValueError:
        return DeliveryResult("not a URL", 17585)
    if parts.scheme != "http":
        return DeliveryResult("not an http URL (TLS is not supported)", 17585)
    addresses = loopback_addresses(parts.hostname or "", port)
    if not addresses:
        return DeliveryResult("not sent: the host is not this machine", 17582)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = HTTPConnection(addresses[0], port)
    try:
        connect_timeout = min(CONNECT_TIMEOUT_SECONDS, timeout_seconds)
        connection.sock = connect(addresses, port, connect_timeout)
        return _post(connection, path, body, all_headers, timeout_seconds)
    except UnicodeEncodeError:
        return DeliveryResult("not a URL", 17585)
    except (OSError, HTTPException):
        return DeliveryResult("no connection", 17582, is_retryable=True)
    finally:
        connection.close()


def is_deliverable(url: str) -> bool:
    """Return whether a callback can be sent to the URL: over http, to this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port or 80
        return parts.scheme == "http" and bool(loopback_addresses(parts.hostname or "", port))
    except ValueError:
        return False


def _post(
    connection: HTTPConnection,
    path: str,
    body: bytes,
    headers: dict[str, str],
    timeout_seconds: float,
) -> DeliveryResult:
    with _time_limit(connection.sock, timeout_seconds) as is_over:
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            is_large = len(response.read(_MAX_RESPONSE_BYTES + 1)) > _MAX_RESPONSE_BYTES
        except (OSError, HTTPException):
            if not is_over.is_set():
                raise
            # Twilio documents retries for lost connections, not for timeouts.
            return DeliveryResult("no response in time", 17581)

    return _result_of(response.status, is_large=is_large)


def _result_of(status: int, *, is_large: bool) -> DeliveryResult:
    response = str(status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRYABLE_CLIENT_ERRORS:
        return DeliveryResult(response, 17580, is_retryable=True)
    if status >= HTTPStatus.BAD_REQUEST:
        return DeliveryResult(response, 17580)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return DeliveryResult(response, 17584)

    return DeliveryResult(response, 17583 if is_large else None)


@contextmanager
def _time_limit(sock: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Shut the socket down after this many seconds; the event is set if that happened."""
    is_over = threading.Event()

    def shut_down() -> None:
        is_over.set()
        with suppress(OSError):  # it may be closed already
            sock.shutdown(socket.SHUT_RDWR)

    sock.settimeout(None)
    timer = threading.Timer(seconds, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()


def _authorization(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"

    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
