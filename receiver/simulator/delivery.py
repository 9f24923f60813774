"""Delivery: one attempt at a callback, under Twilio's limits, to this machine alone."""

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

# In seconds: Twilio's defaults, to connect and altogether.
CONNECT, TOTAL = 5.0, 15.0
# In bytes. How much of an answer Twilio takes isn't known; this is more than anybody needs.
_LARGEST_ANSWER = 64 * 1024
_AGAIN = {408, 425, 429}


@dataclass(frozen=True)
class Attempt:
    """What became of it: what was answered, Twilio's error unless it was taken in, and the rule.

    `again`: this is tried again, up to three times.
    """

    said: str
    code: int | None = None
    again: bool = False


def attempt(url: str, body: bytes, headers: Mapping[str, str], *, total: float = TOTAL) -> Attempt:
    """Post the body. No redirect is followed, and no environment's proxy is used."""
    try:
        parts = urlsplit(url)
        port = parts.port or 80
        head = {**headers, **_credentials(parts), "Host": parts.netloc.rpartition("@")[2]}
    except ValueError:
        return Attempt("not a URL", 17585)
    if parts.scheme != "http":
        return Attempt("not an http URL: there is no TLS here", 17585)
    addresses = _loopback(parts.hostname or "", port)
    if not addresses:
        return Attempt("not called: this is no address of this machine", 17582)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = HTTPConnection(addresses[0], port)
    try:
        connection.sock = _connected(addresses, port, min(CONNECT, total))
        return _answer(connection, target, body, head, total)
    except UnicodeEncodeError:
        return Attempt("not a URL", 17585)
    except (OSError, HTTPException):
        return Attempt("no connection", 17582, again=True)
    finally:
        connection.close()


def is_in_reach(url: str) -> bool:
    """Tell whether a callback could be posted there: over http, to this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and bool(_loopback(parts.hostname or "", parts.port or 80))
    except ValueError:
        return False


def _answer(
    connection: HTTPConnection, target: str, body: bytes, head: dict[str, str], total: float
) -> Attempt:
    with _deadline(connection.sock, total) as passed:
        try:
            connection.request("POST", target, body, head)
            response = connection.getresponse()
            large = len(response.read(_LARGEST_ANSWER + 1)) > _LARGEST_ANSWER
        except (OSError, HTTPException):
            if not passed.is_set():
                raise
            # Twilio's rule names lost connections, not this; so don't count on it.
            return Attempt("no answer in time", 17581)

    return _judged(response.status, large=large)


def _judged(status: int, *, large: bool) -> Attempt:
    said = str(status)
    if status >= 500 or status in _AGAIN:  # noqa: PLR2004 - all server errors
        return Attempt(said, 17580, again=True)
    if status >= 400:  # noqa: PLR2004 - all client errors
        return Attempt(said, 17580)
    if status >= 300:  # noqa: PLR2004 - all redirects
        return Attempt(said, 17584)

    return Attempt(said, 17583 if large else None)


@contextmanager
def _deadline(sock: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """End whatever waits on the socket once the time is over; the event tells that it was so."""
    passed = threading.Event()

    def end() -> None:
        passed.set()
        with suppress(OSError):  # it is closed already
            sock.shutdown(socket.SHUT_RDWR)

    sock.settimeout(None)
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield passed
    finally:
        timer.cancel()


def _loopback(host: str, port: int) -> list[str]:
    """Return those of the host's addresses that are this machine's own; they are what is called."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    addresses = [str(entry[4][0]) for entry in found]

    return [each for each in addresses if ip_address(each).is_loopback]


def _connected(addresses: list[str], port: int, seconds: float) -> socket.socket:
    """Return a connection to the first address that takes it, as `localhost` has two of them."""
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), seconds)

    return socket.create_connection((addresses[-1], port), seconds)


def _credentials(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"

    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
