"""The command `rejected check`: finds settings with which rejected requests verify."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import IO, Any

import click
from flask.cli import with_appcontext
from sqlalchemy import Row

from receiver.cli.errors import report_database_errors
from receiver.cli.options import ids_argument
from receiver.cli.output import progress_bar
from receiver.cli.rejected.arguments import (
    check_ids_exist,
    parse_candidate_url,
    read_candidate_keys,
)
from receiver.cli.rejected.check_report import NOT_TRIED, CheckResults, print_results
from receiver.rejected.check import MAX_TRIES, Remedy, Search
from receiver.services import services
from receiver.settings.keys import SigningKey
from receiver.store.rejected.read import find_rejected


@click.command("check")
@ids_argument
@click.option(
    "--keys",
    type=click.File(),
    help="Also try the keys in this file, `-` for standard input. One key per line: token or "
    "ACsid=token as in TWILIO_AUTH_TOKEN, or keyId=secret as in TWILIO_SIGNING_KEYS.",
)
@click.option(
    "--public-url",
    "urls",
    multiple=True,
    help="Also try this origin as PUBLIC_URL. Can be given more than once.",
)
@with_appcontext
@report_database_errors
def check_command(*, ids: tuple[int, ...], keys: IO[str] | None, urls: tuple[str, ...]) -> None:
    """Find the settings that would verify rejected requests.

    Prints which key, PUBLIC_URL and PUBLIC_URL_PREFIXES would verify them. Add a prefix only if
    Twilio calls this service below it. Without an ID, all rejected requests are checked. Each key
    from the settings and from --keys is tried with each scheme, host, port and path prefix from
    PUBLIC_URL, --public-url and the requests' own headers. Nothing is changed.
    """
    settings = services().settings
    key_lines = read_candidate_keys(keys) if keys else {}
    new_keys = {key: line for key, line in key_lines.items() if key not in settings.signing_keys}
    search = Search(
        settings.public_url,
        settings.public_url_prefixes,
        [parse_candidate_url(url) for url in urls],
        [*settings.signing_keys, *new_keys],
        settings.accounts,
    )
    with services().engine.connect() as connection:
        rows = find_rejected(connection, ids)
    check_ids_exist(ids, [row.id for row in rows])
    print_results(_check(search, rows, new_keys))


def _check(
    search: Search, rows: Sequence[Row[Any]], new_keys: Mapping[SigningKey, int]
) -> CheckResults:
    with progress_bar(length=len(rows), label="Checking") as bar:
        found = search.find_remedies(rows, bar.update, max_tries=MAX_TRIES)
    results = CheckResults(verified=defaultdict(list), unverified=defaultdict(list))
    for row in rows:
        if remedy := search.remedy_for(row, found.remedies):
            results.verified[_describe_remedy(remedy, new_keys)].append(row.id)
        elif row.id in found.untried:
            results.unverified[NOT_TRIED].append(row.id)
        else:
            results.unverified[_describe_unverified(row)].append(row.id)

    return results


def _describe_remedy(remedy: Remedy, new_keys: Mapping[SigningKey, int]) -> str:
    """Return what has to be set; `new_keys` are the keys of --keys with their line numbers."""
    line = new_keys.get(remedy.key)
    variable = {"HMAC_SHA1": "TWILIO_AUTH_TOKEN", "HMAC_SHA256": "TWILIO_SIGNING_KEYS"}
    added = [f"it is added to {variable[remedy.key.algorithm]}"] if line else []
    changes = [*added, *remedy.conditions()]
    key = f"the key on line {line}" if line else remedy.key.id
    if not changes:
        return f"verified now, with {key}: run `flask --app app rejected accept`"

    return f"verified with {key} if {' and '.join(changes)}"


def _describe_unverified(row: Row[Any]) -> str:
    """Describe a request that nothing verifies, with the SharedKey that it names, if any."""
    key_header = row.headers.get("X-Twilio-Webhooks-Signature-Settings")
    named = f" (named: {key_header[:100]!a})" if key_header else ""

    return f"not verified with any key and origin that was tried{named}"
