"""An export as the stream of a response, at the pace of readers.

While the client receives, the worker holds one rendered page for it, and neither a connection of
the database nor a reader's place. Each page has a deadline of its own. An export that can't go on
ends with a last line that says so, and whose cursor continues it.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from receiver.export.jobs import read_job
from receiver.export.lines import LineFormat, render_job, render_last
from receiver.export.position import Position
from receiver.runtime.concurrency_limit import TooBusyError
from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.runtime.errors import describe
from receiver.runtime.shutdown import SHUTDOWN, Shutdown
from receiver.runtime.timeouts import DeadlineExceededError, time_limit
from receiver.services import Services
from receiver.store import retry
from receiver.store.audit.access import Access
from receiver.store.audit.export import JobRange, read_page
from receiver.store.jobs.read import Row
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.compression import Compressor

logger = logging.getLogger(__name__)

# What a client may need to receive an export, in total. The service's own time doesn't count. There
# are few places for exports, and a client that hardly receives anything must not keep one.
SENDING_SECONDS = 600.0
# The server waits a minute until the client has received one piece.
_PIECE_BYTES = 64 * 1024
_CANT_GO_ON = (DatabaseUnavailableError, DeadlineExceededError, TooBusyError)


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is exported, for whom, in which form, and within which times."""

    line_format: LineFormat
    origin: str  # of the URLs in the lines
    account_id: str | None
    access: Access
    has_head: bool  # False: it continues a file that has one
    is_compressed: bool
    sending_seconds: float = SENDING_SECONDS
    page_seconds: float = REQUEST_SECONDS

    def range_after(self, position: Position) -> JobRange:
        """Return the jobs that follow the position."""
        return JobRange(
            after=(position.at, position.id), until=position.until, account_id=self.account_id
        )


class Stream:
    """One export's response. `rows` is its first page, which was read already."""

    def __init__(
        self,
        parts: Services,
        export: Export,
        position: Position,
        rows: Sequence[Row],
        *,
        shutdown: Shutdown = SHUTDOWN,
    ) -> None:
        self._parts = parts
        self._export = export
        self._position = position
        self._rows = rows
        self._shutdown = shutdown
        self._sending_seconds_left = export.sending_seconds
        pause = parts.limits.pacer.pause_if_due
        self._compressor = Compressor(pause) if export.is_compressed else None

    def pieces(self) -> Iterator[bytes]:
        """Yield the response."""
        began_at = time.monotonic()
        is_complete = False
        try:
            if self._export.has_head:
                yield from self._send(self._encode(self._export.line_format.head))
            while self._may_go_on():
                try:
                    page = self._next_page()
                except _CANT_GO_ON as error:
                    logger.warning("an export can't go on: %s", describe(error))
                    break
                if page is None:
                    is_complete = True
                    break
                yield from self._send(page)
            yield from self._send(self._last_line(is_complete=is_complete))
        finally:
            self._log(is_complete=is_complete, seconds=round(time.monotonic() - began_at, 3))

    def _may_go_on(self) -> bool:
        """Return whether the client and the worker have time for another page."""
        return self._sending_seconds_left > 0 and not self._shutdown.has_begun

    def _send(self, data: bytes) -> Iterator[bytes]:
        """Yield the data in pieces, and count the time until the client has received them."""
        for start in range(0, len(data), _PIECE_BYTES):
            began_at = time.monotonic()
            yield data[start : start + _PIECE_BYTES]
            self._sending_seconds_left -= time.monotonic() - began_at

    def _next_page(self) -> bytes | None:
        """Return the next page as it is sent, None if there is none; raises one of _CANT_GO_ON."""
        limits, seconds = self._parts.limits, self._export.page_seconds
        deadline = Deadline(seconds)
        with time_limit(seconds), limits.requests.hold(seconds):
            rows, self._rows = self._rows or self._read(deadline), ()
            if not rows:
                return None
            with limits.renderings.hold(deadline.remaining()):
                return self._render(rows)

    def _read(self, deadline: Deadline) -> Sequence[Row]:
        jobs = self._export.range_after(self._position)
        with self._parts.limits.connections.hold(deadline.remaining()):
            return retry.query(self._parts.engine, deadline, read_page, jobs, self._export.access)

    def _render(self, rows: Sequence[Row]) -> bytes:
        """Return the page, and move the position to its end."""
        pause = self._parts.limits.pacer.pause_if_due
        export, position, lines = self._export, self._position, []
        for row in rows:
            pause()
            job = read_job(row, position)
            position = job.position
            lines.append(
                render_job(export.line_format, job, export.origin, self._parts.settings, pause)
            )
        page = self._encode(b"".join(lines))
        self._position = position

        return page

    def _encode(self, data: bytes, *, is_last: bool = False) -> bytes:
        if self._compressor is None:
            return data

        return self._compressor.compress(data) + self._compressor.flush(is_last=is_last)

    def _last_line(self, *, is_complete: bool) -> bytes:
        last = render_last(self._export.line_format, self._position, is_complete=is_complete)

        return self._encode(last, is_last=True)

    def _log(self, **fields: Any) -> None:
        access, counts = self._export.access, self._position.counts.as_dict()
        fields |= {"key": access.reader, "request_id": access.request_id, **counts}
        logger.info("export ended", extra=fields)
