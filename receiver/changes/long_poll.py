"""The long poll: clients that wait for changes share the looks of the watcher, and their pages.

A client that waits holds no reader's place and no connection. All that need the same page after a
look get the same bytes: the first of them reads and renders it.
"""

from dataclasses import dataclass
from functools import partial

from receiver.changes.cursor import Cursor, Start
from receiver.changes.feed import Page, is_current, may_be_later, read_page_of, resolve
from receiver.changes.rendering import RenderedPage, render_page
from receiver.runtime.deadline import Deadline
from receiver.services import services
from receiver.store.changes.follower import Follower
from receiver.store.changes.look import Look
from receiver.web.database import query

# This much of the request's deadline is kept for the page after the wait.
_RESERVED_SECONDS = 1.5


@dataclass(frozen=True, kw_only=True)
class Client:
    """What a page depends on besides its cursor and the state of the database."""

    account_id: str | None
    page_size: int
    origin: str  # of the URLs in the page
    accepts_gzip: bool


def wait_for_page(
    client: Client, start: Cursor | Start, seconds: int, deadline: Deadline
) -> RenderedPage:
    """Return the next page with changes, or an empty one if there are none within these seconds.

    Raises TooManyWaitingError, TooBusyError, DatabaseUnavailableError, WorkFailedError, or what
    `resolve` raises.
    """
    latest = Deadline(deadline.remaining() - _RESERVED_SECONDS)
    wait = Deadline(min(seconds, latest.remaining()))
    with services().changes.follow(client.account_id) as follower:
        look, cursor = _begin(start, follower, latest)
        while True:
            if not is_current(cursor, look.state):
                page = _share_page(client, cursor, look, deadline)
                if page.has_changes:
                    return page
                cursor = page.cursor
            next_look = follower.next(wait.remaining())
            if next_look is None:
                return render_page(Page(cursor=cursor))
            look = next_look


def _begin(start: Cursor | Start, follower: Follower, latest: Deadline) -> tuple[Look, Cursor]:
    """Return the last look, and the cursor at which the client starts."""
    look = follower.first(latest.remaining())
    if may_be_later(start, look.state):  # another worker has seen it
        look = follower.fresh(latest.remaining())

    return look, resolve(start, look.state)


def _share_page(client: Client, cursor: Cursor, look: Look, deadline: Deadline) -> RenderedPage:
    """Return the page after the cursor as of the look, perhaps one that another client read."""

    def read() -> RenderedPage:
        with services().limits.requests.hold(deadline.remaining()):
            page = query(
                partial(read_page_of, look.state),
                cursor,
                size=client.page_size,
                account_id=client.account_id,
            )
            return render_page(page)

    page: RenderedPage = look.pages.get((client, cursor), read, deadline.remaining())
    # Many clients may have waited for it.
    services().limits.pacer.pause_if_due()

    return page
