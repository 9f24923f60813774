"""Renders a page of the feed, for one client or for several that wait for the same one."""

from dataclasses import dataclass
from hashlib import sha256

from receiver.changes import cursor as cursors
from receiver.changes.cursor import Cursor
from receiver.changes.feed import Page
from receiver.web.compression import Representation, represent
from receiver.web.explanations import add_explanations
from receiver.web.job_view import describe_jobs
from receiver.web.responses import encode_json
from schemas.changes import ChangeList

_LIST = ChangeList()


@dataclass(frozen=True, kw_only=True)
class RenderedPage:
    """A page as it is sent."""

    cursor: Cursor  # of the next page
    has_changes: bool  # whether a client that waits gets it
    tag: str  # of the body that isn't compressed
    representation: Representation

    @property
    def size_bytes(self) -> int:
        """The bytes of the body."""
        return len(self.representation.data)


def render_page(page: Page) -> RenderedPage:
    """Return the page for the URL and the encoding of the current request."""
    jobs = describe_jobs(add_explanations(page.rows))
    changes = [{**job, "erased": job["erased_at"] and True} for job in jobs]
    meta = {
        "key": "changes",
        "page_size": len(changes),
        "next_cursor": cursors.encode(page.cursor),
        "more": page.more,
    }
    data = encode_json(_LIST.dump({"changes": changes, "meta": meta}))
    tag = sha256(data).hexdigest()

    return RenderedPage(
        cursor=page.cursor,
        has_changes=bool(page.rows) or page.more,
        tag=tag,
        representation=represent(data, tag),
    )
