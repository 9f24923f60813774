"""The route of the feed of changes."""

from flask import Blueprint, Response

from receiver.changes import cursor as cursors
from receiver.changes.feed import Page, read_end, read_page
from receiver.services import services
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit
from receiver.web.arguments import parse_arguments
from receiver.web.auth import require_api_key, visible_account
from receiver.web.database import query
from receiver.web.explanations import add_explanations
from receiver.web.job_view import describe_job
from receiver.web.problems import unavailable
from receiver.web.responses import make_conditional, render
from schemas.changes import ChangeList
from schemas.parameters import DEFAULT_PAGE_SIZE
from schemas.query import ChangesQuery

blueprint = Blueprint("changes", __name__)
blueprint.before_request(require_api_key)
blueprint.before_request(lambda: admit(services().limits.requests))

_NOW = "now"

_QUERY, _LIST = ChangesQuery(), ChangeList()


@blueprint.get("/v3/Changes")
def list_changes() -> Response:
    """List the jobs that changed after the cursor, each in its newest state."""
    arguments = parse_arguments(_QUERY)
    given = arguments.get("cursor")
    if given == _NOW:
        return _render(query(read_end))
    page = query(
        read_page,
        cursors.decode(given) if given else None,
        size=arguments.get("page_size", DEFAULT_PAGE_SIZE),
        account_id=visible_account(),
    )

    return _render(page)


def _render(page: Page) -> Response:
    jobs = add_explanations(page.rows)
    changes = [describe_job(job) | {"erased": job["erased_at"] and True} for job in jobs]
    meta = {
        "key": "changes",
        "page_size": len(changes),
        "next_cursor": cursors.encode(page.cursor),
        "more": page.more,
    }

    return make_conditional(render(_LIST, changes=changes, meta=meta))


@blueprint.errorhandler(DatabaseUnavailableError)
def _retry_later(_error: DatabaseUnavailableError) -> Response:
    return unavailable("The database is unavailable; /readyz may say why. Try again.")
