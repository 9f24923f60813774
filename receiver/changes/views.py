"""The route of the feed of changes."""

from flask import Blueprint, Response, request

from receiver.changes.cursor import CursorError, InvalidCursorError, parse_start
from receiver.changes.feed import FeedUnavailableError, read_page
from receiver.changes.long_poll import Client, wait_for_page
from receiver.changes.rendering import RenderedPage, render_page
from receiver.runtime.deadline import request_deadline
from receiver.runtime.once_per_key import WorkFailedError
from receiver.services import services
from receiver.settings.urls import public_origin
from receiver.store.changes.watcher import TooManyWaitingError
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit
from receiver.web.arguments import invalid_arguments, parse_arguments
from receiver.web.auth import require_api_key, visible_account
from receiver.web.compression import accepts_gzip
from receiver.web.database import query, retry_later
from receiver.web.problems import problem, unavailable
from receiver.web.responses import not_modified, send
from schemas.parameters import DEFAULT_PAGE_SIZE
from schemas.query import ChangesQuery

blueprint = Blueprint("changes", __name__)
blueprint.before_request(require_api_key)
blueprint.register_error_handler(DatabaseUnavailableError, retry_later)
blueprint.register_error_handler(WorkFailedError, retry_later)

_QUERY = ChangesQuery()


@blueprint.get("/v3/Changes")
def list_changes() -> Response:
    """List the jobs that changed after the cursor, each in its newest state."""
    arguments = parse_arguments(_QUERY)
    try:
        start = parse_start(arguments.get("cursor"))
    except InvalidCursorError as error:
        raise invalid_arguments({"cursor": [str(error)]}) from None
    size = arguments.get("page_size", DEFAULT_PAGE_SIZE)
    if seconds := arguments.get("wait"):
        try:
            client = _describe_client(size)
            return _send(wait_for_page(client, start, seconds, request_deadline(request.environ)))
        except TooManyWaitingError:
            pass  # this one reads at once
    admit(services().limits.requests)
    page = query(read_page, start, size=size, account_id=visible_account())

    return _send(render_page(page))


def _describe_client(page_size: int) -> Client:
    return Client(
        account_id=visible_account(),
        page_size=page_size,
        origin=public_origin(request.environ, services().settings.public_url),
        accepts_gzip=accepts_gzip(),
    )


def _send(page: RenderedPage) -> Response:
    """Return the response, which is a 304 if the client has the page already."""
    response = Response(content_type="application/json")

    return not_modified(page.tag) or send(response, page.representation)


@blueprint.errorhandler(CursorError)
def _start_anew(error: CursorError) -> Response:
    return problem(410, str(error))


@blueprint.errorhandler(FeedUnavailableError)
def _from_unavailable_feed(error: FeedUnavailableError) -> Response:
    return unavailable(str(error))
