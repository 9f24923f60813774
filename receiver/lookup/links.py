"""Makes links to a transcript as WebVTT, and lets their requests in."""

import time
from datetime import UTC, datetime
from typing import Any

from flask import g, request

from receiver.lookup import jobs
from receiver.web.arguments import parse_arguments
from receiver.web.auth import require_api_key
from receiver.web.job_view import job_url
from receiver.web.links import make_token, require_link
from schemas.link import DEFAULT_LINK_SECONDS, LinkedQuery, LinkQuery

# The endpoint that links lead to.
LINKED = "lookup.fetch_transcript_vtt"

_LINK_QUERY, _LINKED_QUERY = LinkQuery(), LinkedQuery()


def require_key_or_link() -> None:
    """Require an API key, or a link's token on the route that links lead to.

    Raises ProblemError 400, 401, 403 or 429.
    """
    if request.endpoint != LINKED or "Authorization" in request.headers:
        require_api_key()
        return
    token = parse_arguments(_LINKED_QUERY).get("token")
    if token is None:
        require_api_key()
    else:
        require_link((request.view_args or {})["job_id"], token)


def make_link(job_id: str) -> dict[str, Any]:
    """Return what the schema Link renders; raises ProblemError 400 or 404.

    The link reads what the request's API key may read.
    """
    seconds = parse_arguments(_LINK_QUERY).get("expires_in", DEFAULT_LINK_SECONDS)
    job = jobs.get_job(job_id)
    if job["transcript_sha256"] is None or job["transcript_expired_at"] is not None:
        raise jobs.no_transcript(job)
    expires_at = int(time.time()) + seconds
    token = make_token(g.api_key, job_id, expires_at)

    return {
        "url": f"{job_url(job_id)}/Transcript.vtt?token={token}",
        "expires_at": datetime.fromtimestamp(expires_at, UTC),
    }
