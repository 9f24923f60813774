"""The view of `GET /v3/Export`: all jobs of a period with their transcripts, as one stream."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from flask import Response, request

from receiver.export.lines import LINE_FORMATS
from receiver.export.position import CursorError, NewerCursorError, Position, parse_cursor
from receiver.export.stream import Export, Stream
from receiver.runtime.concurrency_limit import TooBusyError
from receiver.runtime.reader_limits import MAX_EXPORTS, WAIT_TIMEOUT_SECONDS
from receiver.services import services
from receiver.settings.urls import public_origin
from receiver.store.audit.access import Route
from receiver.store.audit.export import read_page
from receiver.store.clock import database_now
from receiver.web.arguments import invalid_arguments, parse_arguments
from receiver.web.audit import describe_access
from receiver.web.auth import visible_account
from receiver.web.compression import accepts_gzip
from receiver.web.database import query
from receiver.web.problems import ProblemError
from schemas.export import ExportQuery

# Exports take long, so an earlier try would usually be refused too.
_RETRY_AFTER_SECONDS = 30
_QUERY = ExportQuery()


class _StreamedResponse(Response):
    # Otherwise reading its length would load the whole stream into memory.
    implicit_sequence_conversion = False


def export_jobs() -> Response:
    """Export the jobs of a period with their transcripts, oldest first."""
    arguments = parse_arguments(_QUERY)
    export = _describe(arguments)
    with ExitStack() as stack:
        _take_place(stack)
        with services().limits.requests.hold(WAIT_TIMEOUT_SECONDS):
            position = _begin(arguments, query(database_now))
            rows = query(read_page, export.range_after(position), export.access)
        stream = Stream(services(), export, position, rows)
        held = stack.pop_all()
    response = _StreamedResponse(
        _pieces(stream, held), content_type=export.line_format.content_type
    )
    # The server closes the response when it is sent, or its client is gone.
    response.call_on_close(held.close)
    file_name = f"transcriptions.{arguments['format']}"
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept-Encoding")
    if export.is_compressed:
        response.headers["Content-Encoding"] = "gzip"

    return response


def _pieces(stream: Stream, held: ExitStack) -> Iterator[bytes]:
    with held:
        yield from stream.pieces()


def _describe(arguments: Mapping[str, Any]) -> Export:
    format_name = arguments["format"]

    return Export(
        line_format=LINE_FORMATS[format_name],
        origin=public_origin(request.environ, services().settings.public_url),
        account_id=visible_account(),
        access=describe_access(Route.EXPORT, format_name, status=200),
        has_head="cursor" not in arguments,
        is_compressed=accepts_gzip(),
    )


def _take_place(stack: ExitStack) -> None:
    """Take a place for exports until the stack is closed; raises ProblemError 429."""
    exports = services().limits.exports
    try:
        exports.acquire(0)
    except TooBusyError:
        raise ProblemError(
            429,
            f"This worker is sending {MAX_EXPORTS} exports already.",
            headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
        ) from None
    stack.callback(exports.release)


def _begin(arguments: Mapping[str, Any], now: datetime) -> Position:
    """Return where the export begins; raises ProblemError 400 or 410 for its cursor."""
    until = min(arguments.get("created_before", now), now)
    try:
        position = parse_cursor(arguments["cursor"]) if "cursor" in arguments else None
    except NewerCursorError as error:
        raise ProblemError(410, str(error)) from None
    except CursorError as error:
        raise invalid_arguments({"cursor": [str(error)]}) from None

    return (position or Position(until=until)).limited(arguments.get("created_after"), until)
