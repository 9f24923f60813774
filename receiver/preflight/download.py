"""Opens the file behind a mediaUrl; follows redirects."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPResponse

from receiver.preflight.address_policy import AddressPolicy
from receiver.preflight.errors import ErrorCode, MediaError
from receiver.preflight.http_connection import HttpConnection
from receiver.preflight.media_url import MediaUrl, parse_media_url
from receiver.preflight.remote_file import RangedFile, RemoteFile, StreamedFile, range_at
from receiver.runtime.deadline import Deadline

MAX_REDIRECT_COUNT = 5  # Twilio's own limit is unknown

_REDIRECTS = {301, 302, 303, 307, 308}
_ERROR_CODES: dict[int, ErrorCode] = {
    HTTPStatus.NOT_FOUND: ErrorCode.NOT_FOUND,
    HTTPStatus.GONE: ErrorCode.NOT_FOUND,
    HTTPStatus.UNAUTHORIZED: ErrorCode.FORBIDDEN,
    HTTPStatus.FORBIDDEN: ErrorCode.FORBIDDEN,
}


@contextmanager
def open_remote_file(
    url: str, *, policy: AddressPolicy, deadline: Deadline
) -> Iterator[RemoteFile | None]:
    """Yield the file, or None if its bytes can't be known without decoding the response.

    It requests a range first. If the server refuses ranges, or answers with another one, the same
    request without a range decides, because that is how a file is usually downloaded. Raises
    MediaError, OSError or HTTPException.
    """
    with ExitStack() as sockets:
        media_url = parse_media_url(url)
        connection, response = _request(media_url, range_at(0), policy, deadline, sockets)
        file = _open(connection, response)
        if file is None:
            connection, response = _request(media_url, None, policy, deadline, sockets)
            _check_status(response, connection.url.host)
            file = StreamedFile(response)
        yield None if _is_encoded(response) else file


def _request(
    media_url: MediaUrl,
    byte_range: tuple[int, int] | None,
    policy: AddressPolicy,
    deadline: Deadline,
    sockets: ExitStack,
) -> tuple[HttpConnection, HTTPResponse]:
    """Return the first response that is not a redirect. Each redirect's host is checked too."""
    for _ in range(1 + MAX_REDIRECT_COUNT):
        addresses = policy.resolve(media_url.host, media_url.port, deadline)
        connection = HttpConnection(media_url, addresses, policy, deadline, sockets)
        response = connection.get(byte_range)
        if response.status not in _REDIRECTS:
            return connection, response
        media_url = media_url.resolve_redirect(response.getheader("Location"))

    raise MediaError(ErrorCode.DOWNLOAD_FAILED, f"more than {MAX_REDIRECT_COUNT} redirects")


def _open(connection: HttpConnection, response: HTTPResponse) -> RemoteFile | None:
    """Return the file of a response to the request of a range, None if it can't be read."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        with suppress(MediaError):
            return RangedFile(connection, response)
        return None

    return StreamedFile(response) if response.status == HTTPStatus.OK else None


def _check_status(response: HTTPResponse, host: str) -> None:
    if response.status == HTTPStatus.OK:
        return
    code = _ERROR_CODES.get(response.status, ErrorCode.DOWNLOAD_FAILED)
    raise MediaError(code, f"{host} answers {response.status}")


def _is_encoded(response: HTTPResponse) -> bool:
    """Return whether the server compressed the file, although the request forbids it."""
    return response.getheader("Content-Encoding", "identity").strip().lower() != "identity"
