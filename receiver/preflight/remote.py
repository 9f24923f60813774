"""The bytes behind a mediaUrl: found through redirects, read in parts."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.client import HTTPResponse

from receiver.preflight.address_policy import AddressPolicy
from receiver.preflight.errors import Code, MediaError
from receiver.preflight.http_connection import MOST, HttpConnection
from receiver.preflight.part import PART, File
from receiver.preflight.target import target_of
from receiver.runtime.deadline import Deadline

HOPS = 5  # redirects; Twilio's own number isn't known

_REDIRECTS = {301, 302, 303, 307, 308}
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_REFUSALS: dict[int, Code] = {
    HTTPStatus.NOT_FOUND: Code.NOT_FOUND,
    HTTPStatus.GONE: Code.NOT_FOUND,
    HTTPStatus.UNAUTHORIZED: Code.FORBIDDEN,
    HTTPStatus.FORBIDDEN: Code.FORBIDDEN,
}


@contextmanager
def opened(url: str, *, gate: AddressPolicy, deadline: Deadline) -> Iterator[File]:
    """Ask for the first part, following redirects; raise Failed, OSError or HTTPException."""
    with ExitStack() as sockets:
        route, answer = _found(url, gate, deadline, sockets)
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            yield Ranged(route, answer)
        else:
            yield Streamed(answer)


def _found(
    url: str, gate: AddressPolicy, deadline: Deadline, sockets: ExitStack
) -> tuple[HttpConnection, HTTPResponse]:
    target = target_of(url)
    for _ in range(1 + HOPS):
        addresses = gate.admit(target.host, target.port, deadline)
        route = HttpConnection(target, addresses, gate, deadline, sockets)
        answer = route.get(0, PART)
        if answer.status not in _REDIRECTS:
            _succeeded(answer, target.host)
            return route, answer
        target = target.redirected(answer.getheader("Location"))

    raise MediaError(Code.DOWNLOAD_FAILED, f"more than {HOPS} redirects")


def _succeeded(answer: HTTPResponse, host: str) -> None:
    # An empty file has no first byte, so that the range of it can't be answered.
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES or _is_empty(answer):
        return
    code = _REFUSALS.get(answer.status, Code.DOWNLOAD_FAILED)
    raise MediaError(code, f"{host} answers {answer.status}")


def _is_empty(answer: HTTPResponse) -> bool:
    return (
        answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        and answer.getheader("Content-Range") == "bytes */0"
    )


class Ranged:
    """A file whose server gives any part of it."""

    def __init__(self, route: HttpConnection, answer: HTTPResponse) -> None:
        self._route = route
        self.size, self._first = _part(answer, 0)

    def read(self, offset: int) -> bytes:
        """Return a part, asking for it unless it is the first or beyond the end."""
        if offset == 0:
            return self._first
        if self.size is not None and offset >= self.size:
            return b""

        return _part(self._route.get(offset, PART), offset)[1]


class Streamed:
    """A file whose server sends it from the start or not at all; read on as far as asked for."""

    def __init__(self, answer: HTTPResponse) -> None:
        self._answer = answer
        self._start = 0  # of what is held
        self._held = bytearray()
        self.size = _told_size(answer)

    def read(self, offset: int) -> bytes:
        """Return a part, or nothing if it is not among the first MOST bytes."""
        if offset + PART > MOST:
            return b""
        self._forget(offset)
        while (missing := offset + PART - self._end) > 0:
            data = self._answer.read(min(missing, PART))
            if not data:
                self._ended()
                break
            self._held += data
            self._forget(offset)

        return bytes(self._held)

    @property
    def _end(self) -> int:
        return self._start + len(self._held)

    def _forget(self, offset: int) -> None:
        """Drop what comes before: nobody reads backwards, and there may be many readers."""
        passed = min(offset - self._start, len(self._held))
        del self._held[:passed]
        self._start += passed

    def _ended(self) -> None:
        if self.size is not None and self._end < self.size:
            raise _broken()
        self.size = self._end


def _told_size(answer: HTTPResponse) -> int | None:
    if _is_empty(answer):
        return 0
    told = answer.length

    # As many digits as in a Content-Range: what has more is no size, and fits into no float.
    return None if told is None or told >= 10**18 else told


def _part(answer: HTTPResponse, offset: int) -> tuple[int | None, bytes]:
    """Return the whole file's size, if it is told, and the bytes of this part."""
    told = _RANGE.fullmatch(answer.getheader("Content-Range") or "")
    if told is None or int(told[1]) != offset:
        raise MediaError(Code.DOWNLOAD_FAILED, "another part is answered than was asked for")
    wanted = min(int(told[2]) - offset + 1, PART)
    data = answer.read(max(0, wanted))
    if len(data) < wanted:
        raise _broken()

    return (None if told[3] == "*" else int(told[3])), data


def _broken() -> MediaError:
    return MediaError(Code.DOWNLOAD_FAILED, "the answer ends before it is complete")
