"""The callbacks in quarantine: filtered, replayed without writing, and replayed."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, get_args

from flask import Response, request

from receiver.console.page import go_to, render
from receiver.console.replay import replay_some
from receiver.store.event import Outcome, Reason
from receiver.store.ledger.find import LedgerFilter, find_events
from receiver.web.arguments import parse_pairs
from receiver.web.auth import visible_account
from receiver.web.database import query
from schemas.console import QuarantineQuery, ReplayForm

_QUERY, _FORM = QuarantineQuery(), ReplayForm()
MAX_ROWS = 100


def show() -> Response:
    """List the newest callbacks in quarantine; raises ProblemError 400."""
    given = [(name, value) for name, value in request.args.items(multi=True) if value.strip()]
    if len(given) < len(request.args):
        return go_to("quarantine", **dict(given))
    values = parse_pairs(_QUERY, given)
    rows = query(find_events, _to_filter(values), limit=MAX_ROWS)

    return _render(dict(given), rows=rows, is_cut=len(rows) == MAX_ROWS)


def replay() -> Response:
    """Replay the callbacks of the form's filter, or show what that would do."""
    given = [(name, value) for name, value in request.form.items(multi=True) if value.strip()]
    values = parse_pairs(_FORM, given)
    is_dry_run = values.pop("action") == "check"
    done = replay_some(_to_filter(values), after=values.pop("after"), dry_run=is_dry_run)
    results = Counter(line.result for line in done.lines)
    filters = {name: value for name, value in given if name not in {"action", "after"}}

    return _render(filters, done=done, results=results.most_common(), is_dry_run=is_dry_run)


def _to_filter(values: Mapping[str, Any]) -> LedgerFilter:
    """Return the filter of the callbacks that the key may see."""
    return LedgerFilter(
        outcome=Outcome.QUARANTINED,
        source="callback",
        reason=values.get("reason"),
        since=values.get("since"),
        job=values.get("job"),
        account_id=visible_account(),
    )


def _render(filters: Mapping[str, str], **values: Any) -> Response:
    values = {"rows": [], "is_cut": False, "done": None, **values}
    reasons = [(reason, reason.replace("_", " ")) for reason in get_args(Reason)]

    return render("quarantine.html", filters=filters, reasons=reasons, **values)
