"""Prints the results of `rejected check`."""

from collections.abc import Mapping
from dataclasses import dataclass

from receiver.cli.output import echo
from receiver.runtime.plural import pluralize

# Anyone can send many kinds of requests that don't verify.
MAX_UNVERIFIED_LINE_COUNT = 20
MAX_IDS_PER_LINE = 10

NOT_TRIED = "not tried, because the limit of tries was reached. Check by ID"

_ADVICE = (
    "To try other tokens, such as the one in Twilio's Console, use --keys. If the callback URL at "
    "Twilio has another origin, use --public-url with the part before /callbacks/transcription."
)


@dataclass(frozen=True, slots=True)
class CheckResults:
    """The ids of the requests by their result, a phrase for the operator."""

    verified: dict[str, list[int]]
    unverified: dict[str, list[int]]


def print_results(results: CheckResults) -> None:
    """Print one line per result with its ids, the most frequent first."""
    unverified = _by_count(results.unverified)
    for result, ids in _by_count(results.verified) + unverified[:MAX_UNVERIFIED_LINE_COUNT]:
        more = ", …" if len(ids) > MAX_IDS_PER_LINE else ""
        names = f"{', '.join(map(str, ids[:MAX_IDS_PER_LINE]))}{more}"
        echo(f"{pluralize(len(ids), 'request')} ({names}): {result}")
    other_count = sum(len(ids) for _, ids in unverified[MAX_UNVERIFIED_LINE_COUNT:])
    if other_count:
        echo(f"{pluralize(other_count, 'other request')}: not verified, and other keys named")
    if not (results.verified or results.unverified):
        echo("(none)", err=True)
    if results.unverified:
        echo(_ADVICE, err=True)


def _by_count(results: Mapping[str, list[int]]) -> list[tuple[str, list[int]]]:
    """Return the most frequent results first, but what was not tried before all others."""
    return sorted(results.items(), key=lambda item: (item[0] != NOT_TRIED, -len(item[1])))
