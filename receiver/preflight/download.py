"""Opens the file behind a mediaUrl; follows redirects."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.client import HTTPResponse

from receiver.preflight.address_policy import AddressPolicy
from receiver.preflight.errors import ErrorCode, MediaError
from receiver.preflight.http_connection import HttpConnection
from receiver.preflight.media_url import parse_media_url
from receiver.preflight.remote_file import (
    CHUNK_BYTES,
    RangedFile,
    RemoteFile,
    StreamedFile,
    is_empty_file,
)
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
) -> Iterator[RemoteFile]:
    """Request the first chunk and yield the file; raises MediaError, OSError or HTTPException."""
    with ExitStack() as sockets:
        connection, response = _request(url, policy, deadline, sockets)
        if response.status == HTTPStatus.PARTIAL_CONTENT:
            yield RangedFile(connection, response)
        else:
            yield StreamedFile(response)


def _request(
    url: str, policy: AddressPolicy, deadline: Deadline, sockets: ExitStack
) -> tuple[HttpConnection, HTTPResponse]:
    """Return the first response that is not a redirect. Each redirect's host is checked too."""
    media_url = parse_media_url(url)
    for _ in range(1 + MAX_REDIRECT_COUNT):
        addresses = policy.resolve(media_url.host, media_url.port, deadline)
        connection = HttpConnection(media_url, addresses, policy, deadline, sockets)
        response = connection.get_range(0, CHUNK_BYTES)
        if response.status not in _REDIRECTS:
            _check_status(response, media_url.host)
            return connection, response
        media_url = media_url.resolve_redirect(response.getheader("Location"))

    raise MediaError(ErrorCode.DOWNLOAD_FAILED, f"more than {MAX_REDIRECT_COUNT} redirects")


def _check_status(response: HTTPResponse, host: str) -> None:
    is_success = HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES
    if is_success or is_empty_file(response):
        return
    code = _ERROR_CODES.get(response.status, ErrorCode.DOWNLOAD_FAILED)
    raise MediaError(code, f"{host} answers {response.status}")
