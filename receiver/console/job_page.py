"""One job: its state, why its transcript is missing and what to do, and its timeline."""

from flask import Response

from receiver.console.advice import STEPS, TITLES
from receiver.console.page import render
from receiver.console.timeline import make_timeline
from receiver.lookup import jobs
from receiver.store.jobs.read import newest_events
from receiver.web.auth import visible_account
from receiver.web.database import query
from receiver.web.explanations import add_explanations
from receiver.web.job_view import describe_job, is_awaited

MAX_EVENTS = 100


def show(job_id: str) -> Response:
    """Show the job; raises ProblemError 404."""
    [job] = add_explanations([jobs.get_job(job_id)])
    events = query(newest_events, job_id, account_id=visible_account(), limit=MAX_EVENTS)

    return render(
        "job.html",
        job=describe_job(job),
        is_awaited=is_awaited(job),
        timeline=make_timeline(job, events),
        is_cut=len(events) == MAX_EVENTS,
        titles=TITLES,
        steps=STEPS,
    )
