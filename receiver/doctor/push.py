"""Checks that each endpoint of push has received everything, and says why not."""

from collections.abc import Iterator

from sqlalchemy import Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import query
from receiver.runtime.plural import pluralize
from receiver.runtime.utc import format_utc
from receiver.settings.config import Settings
from receiver.store.push.endpoints import MAX_LAG_SECONDS, EndpointState, list_endpoints

_RUN = "Run the Procfile's process `push`, or schedule `flask --app app push`."


def check_push(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Check each endpoint of the settings; raises QueryError."""
    if not settings.push_endpoints:
        return
    if settings.public_url is None:
        yield Finding(
            Verdict.WARN,
            "push: PUBLIC_URL is not set, so `push` sends nothing: the links in messages begin "
            "with it",
            "Set PUBLIC_URL for the process `push` too, such as https://app.example.com.",
        )
    states = {state.name: state for state in query(engine, list_endpoints)}
    for endpoint in settings.push_endpoints:
        state = states.get(endpoint.name)
        text = f"push to {endpoint.name}: {describe_endpoint(state)}"
        remedy = _remedy(endpoint.name, state)
        yield Finding(Verdict.WARN if remedy else Verdict.OK, text, remedy)


def describe_endpoint(state: EndpointState | None) -> str:
    """Return what an operator wants to know of an endpoint; None: it was never started."""
    if state is None:
        return "it was never started"
    since = state.failing_since and format_utc(state.failing_since)
    if state.disabled_at:
        return f"disabled since {format_utc(state.disabled_at)}: {state.last_error}"
    if state.failures:
        return (
            f"it fails since {since} at the job {state.failing_job_id}: {state.last_error} "
            f"({pluralize(state.failures, 'attempt')}, {_next_attempt(state)})"
        )
    caught_up = format_utc(state.caught_up_at)
    if not state.is_claimed:
        return f"it had everything at {caught_up}; no process sends to it now"

    return f"it had everything at {caught_up}"


def _next_attempt(state: EndpointState) -> str:
    if not state.is_claimed:
        return "no process sends to it now"

    return f"the next at {format_utc(state.retry_at)}" if state.retry_at else "the next at once"


def _remedy(name: str, state: EndpointState | None) -> str:
    """Return what to do, nothing if the endpoint has everything."""
    if state is None:
        return _RUN
    if state.disabled_at:
        return (
            "Remove the endpoint from PUSH_ENDPOINTS, or correct its URL. Then run "
            f"`flask --app app push resume {name}`: an endpoint that answers 410 gets nothing more."
        )
    if state.failures:
        return (
            f"Fix the receiver behind {name}. Then run `flask --app app push resume {name}`, or "
            "wait for the next attempt. If it can't process this one job, run "
            f"`flask --app app push skip {name}`."
        )
    if state.lag_seconds <= MAX_LAG_SECONDS:
        return ""
    if state.is_claimed:
        return f"Wait, or let the receiver behind {name} answer faster: changes are sent in turn."

    return _RUN
