"""`rejected check`: what has to be set for requests that don't verify, as far as it is found."""

import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

import click
from flask.cli import with_appcontext
from sqlalchemy import Row

from receiver.cli.context import explained
from receiver.cli.rejected.candidates import candidate_keys, candidate_url
from receiver.cli.rejected.named import ids_argument, refuse_unknown
from receiver.rejected.check import Remedy, Search
from receiver.services import services
from receiver.settings.keys import SigningKey
from receiver.settings.urls import without_credentials
from receiver.store.rejected.read import find_rejected

_MOST_LINES = 20
_MOST_IDS = 10
_ADVICE = (
    "Other tokens, such as the one in Twilio's Console, are tried with --keys; and with "
    "--public-url what stands in the callback URL at Twilio before /callbacks/transcription."
)
_NOT_TRIED = "not tried, for others took all tries: name them by ID"


@click.command("check")
@ids_argument
@click.option(
    "--keys",
    type=click.File(),
    help="Other keys to try, one a line, `-` for standard input: token or ACsid=token as in "
    "TWILIO_AUTH_TOKEN, keyId=secret as in TWILIO_SIGNING_KEYS.",
)
@click.option("--public-url", "urls", multiple=True, help="Another origin to try; may be repeated.")
@with_appcontext
@explained
def check_command(*, ids: tuple[int, ...], keys: IO[str] | None, urls: tuple[str, ...]) -> None:
    """Say which key and which PUBLIC_URL would have verified them; by default all.

    It tries the keys that are set, and those of --keys, with each scheme, host, port and prefix
    that PUBLIC_URL, --public-url and the requests' own headers name.
    """
    ours = services().settings
    lines = candidate_keys(keys) if keys else {}
    new = {key: line for key, line in lines.items() if key not in ours.signing_keys}
    search = Search(
        ours.public_url,
        [candidate_url(url) for url in urls],
        [*ours.signing_keys, *new],
        ours.accounts,
    )
    with services().engine.connect() as connection:
        rows = find_rejected(connection, ids)
    refuse_unknown(ids, [row.id for row in rows])
    with click.progressbar(length=len(rows), label="Checking", file=sys.stderr) as bar:
        found = search.find_remedies(rows, bar.update)
    verified: dict[str, list[int]] = {}
    others: dict[str, list[int]] = {}
    for row in rows:
        remedy = search.remedy_for(row, found.remedies)
        if remedy:
            verified.setdefault(_what_to_set(remedy, new), []).append(row.id)
        else:
            words = _NOT_TRIED if row.id in found.untried else _nothing_found(row)
            others.setdefault(words, []).append(row.id)
    _tell(verified, others)


def _tell(verified: Mapping[str, Sequence[int]], others: Mapping[str, Sequence[int]]) -> None:
    """Print what was found out with the ids of which it is true, the most frequent first.

    Of those that nothing verifies only some, for strangers may make up any number of kinds.
    """
    unlike = _by_count(others)
    for words, alike in _by_count(verified) + unlike[:_MOST_LINES]:
        more = ", …" if len(alike) > _MOST_IDS else ""
        click.echo(f"{len(alike):>8}  {words}: {', '.join(map(str, alike[:_MOST_IDS]))}{more}")
    rest = sum(len(alike) for _, alike in unlike[_MOST_LINES:])
    if rest:
        click.echo(f"{rest:>8}  others, each unlike the rest, and none that was seen to verify")
    if not (verified or others):
        click.echo("(none)", err=True)
    if others:
        click.echo(_ADVICE, err=True)


def _by_count(told: Mapping[str, Sequence[int]]) -> list[tuple[str, Sequence[int]]]:
    """Return the most frequent first, but before them what was not even tried."""
    return sorted(told.items(), key=lambda item: (item[0] != _NOT_TRIED, -len(item[1])))


def _what_to_set(remedy: Remedy, lines: Mapping[SigningKey, int]) -> str:
    """Say what has to be set for the remedy.

    `lines` tells of each key that isn't set yet where it was given.
    """
    line = lines.get(remedy.key)
    variable = {"HMAC_SHA1": "TWILIO_AUTH_TOKEN", "HMAC_SHA256": "TWILIO_SIGNING_KEYS"}
    changes = [f"it is added to {variable[remedy.key.algorithm]}"] if line else []
    if remedy.public_url:
        changes.append(f"PUBLIC_URL is {_shown(remedy.public_url)}")
    key = f"the key on line {line}" if line else remedy.key.id
    if not changes:
        return f"verify today, with {key}: run `flask --app app rejected accept`"

    return f"verify with {key} if {' and '.join(changes)}"


def _nothing_found(row: Row[Any]) -> str:
    """Say that nothing verifies it, and which SharedKey it names if it names any."""
    named = row.headers.get("X-Twilio-Webhooks-Signature-Settings")
    about = f" (they name {named[:100]!a})" if named else ""

    return f"no key and no origin that was tried verifies them{about}"


def _shown(url: str) -> str:
    plain = without_credentials(url)

    return plain if plain == url else f"{plain} (with its user and password)"
