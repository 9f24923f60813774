"""A transcript to read and to print. Each time that one is read, the audit gets a row."""

from flask import Response
from markupsafe import Markup

from receiver.console.page import go_to, render
from receiver.console.turns import render_turns
from receiver.lookup import jobs
from receiver.lookup.cues import extract_cues
from receiver.runtime.reader_limits import RENDERING_WAIT_TIMEOUT_SECONDS
from receiver.services import services
from receiver.store.audit import texts
from receiver.store.audit.access import Route
from receiver.store.jobs.read import Row
from receiver.web.audit import describe_access
from receiver.web.auth import visible_account
from receiver.web.database import query
from receiver.web.problems import ProblemError
from schemas.callback import UndecodableError, decode

# Part of the key of a kept rendering, which a worker keeps for other requests.
_FORMAT = "html"


def show(job_id: str) -> Response:
    """Show the transcript; if there is none, lead to the job's page, which says why.

    Raises ProblemError 404 or 500, or TooBusyError.
    """
    job = jobs.get_job(job_id)
    rendered = None if job["transcript_sha256"] is None else _get_rendered(job)
    if rendered is None:
        return go_to(f"jobs/{job_id}")

    # What render_turns returns is HTML.
    return render("transcript.html", job=job, turns=Markup(rendered.decode()))  # noqa: S704


def _get_rendered(job: Row) -> bytes | None:
    """Return the sentences as HTML, a recent rendering or a new one; None if they were erased.

    A worker renders one transcript at a time.
    """
    limits, key = services().limits, (_FORMAT, job["transcript_sha256"])
    rendered = limits.rendered.get(key)
    if rendered is None:
        with limits.renderings.hold(RENDERING_WAIT_TIMEOUT_SECONDS):
            rendered = limits.rendered.get(key)
            if rendered is None:
                rendered = _render(job)
                if rendered is not None:
                    limits.rendered.put(key, rendered)
                return rendered
    is_stored = query(
        texts.confirm_transcript,
        *(job["id"], job["transcript_sha256"]),
        account_id=visible_account(),
        access=describe_access(Route.CONSOLE, _FORMAT, status=200),
    )

    return rendered if is_stored else None


def _render(job: Row) -> bytes | None:
    body = query(
        texts.read_transcript,
        *(job["id"], job["transcript_sha256"]),
        account_id=visible_account(),
        access=describe_access(Route.CONSOLE, _FORMAT, status=200),
    )
    if body is None:
        return None
    pause = services().limits.pacer.pause_if_due
    try:
        return render_turns(extract_cues(decode(body), pause), pause).encode()
    except (UndecodableError, RecursionError):
        raise ProblemError(
            500, f"The callback with the transcript of {job['id']} can't be decoded."
        ) from None
