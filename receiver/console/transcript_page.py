"""A transcript to read: who said what when, with a link to each sentence."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from flask import Response

from receiver.console.page import go_to, render
from receiver.lookup import jobs
from receiver.lookup.cues import Cue, extract_cues
from receiver.runtime.reader_limits import RENDERING_WAIT_SECONDS
from receiver.services import services
from receiver.store.audit import texts
from receiver.store.audit.access import Route
from receiver.store.jobs.read import Row
from receiver.web.audit import describe_access
from receiver.web.auth import visible_account
from receiver.web.database import query
from receiver.web.problems import ProblemError
from schemas.callback import UndecodableError, decode

# Speakers differ in their colour too; later ones begin with the first colour again.
_COLOURS = 4


class Turn(NamedTuple):
    """What one person said before another one spoke."""

    speaker: str
    colour: int
    sentences: list[tuple[int, Cue]]  # each with its number on the page


def show(job_id: str) -> Response:
    """Show the transcript; if there is none, lead to the job's page, which says why.

    Raises ProblemError 404.
    """
    job = jobs.get_job(job_id)
    if job["transcript_sha256"] is None:
        return go_to(f"jobs/{job_id}")
    limits = services().limits
    with limits.renderings.hold(RENDERING_WAIT_SECONDS):
        document = _document(job)
        if document is None:
            return go_to(f"jobs/{job_id}")
        cues = extract_cues(document, limits.pacer.pause_if_due)

    return render("transcript.html", job=job, turns=_turns(cues), sentences=len(cues))


def _document(job: Row) -> Mapping[str, Any] | None:
    """Return the callback's document, None if there is no transcript; raises ProblemError 500.

    The audit of reads gets a row.
    """
    body = query(
        texts.read_transcript,
        *(job["id"], job["transcript_sha256"]),
        account_id=visible_account(),
        access=describe_access(Route.CONSOLE, "html", status=200),
    )
    if body is None:
        return None
    try:
        return decode(body)
    except (UndecodableError, RecursionError):
        raise ProblemError(
            500, f"The callback with the transcript of {job['id']} can't be decoded."
        ) from None


def _turns(cues: Iterable[Cue]) -> list[Turn]:
    colours: dict[str, int] = {}
    turns = []
    for speaker, group in groupby(enumerate(cues, 1), key=lambda item: item[1].speaker):
        colour = colours.setdefault(speaker, len(colours) % _COLOURS)
        turns.append(Turn(speaker, colour, list(group)))

    return turns
