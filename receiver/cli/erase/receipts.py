"""The commands `erase list` and `erase show`: the receipts."""

import json
from datetime import datetime
from typing import Any

import click
from flask.cli import with_appcontext

from receiver.cli.erase.elsewhere import elsewhere
from receiver.cli.errors import report_database_errors
from receiver.cli.options import ID, echo_limit, limit_option
from receiver.cli.output import CommandError, echo
from receiver.runtime.utc import format_utc
from receiver.services import services
from receiver.store.erasure.receipts import Receipt, find_receipt, list_receipts
from receiver.store.erasure.vacuum import VACUUM, last_vacuums

_json_option = click.option("--json", "wants_json", is_flag=True, help="Print JSON.")


@click.command("list")
@limit_option("Print at most this many erasures.")
@_json_option
@with_appcontext
@report_database_errors
def list_command(*, limit: int, wants_json: bool) -> None:
    """List the erasures, newest first, one per line.

    The columns are: number, time, who asked, kind, how much was erased in each place, and the
    reason. With --json, each line is an object.
    """
    with services().engine.connect() as connection:
        receipts = list_receipts(connection, limit=limit)
    for receipt in receipts:
        if wants_json:
            echo(json.dumps(_document(receipt)))
        else:
            echo(_line(receipt))
    if not receipts and not wants_json:
        echo("(none)", err=True)
    if len(receipts) == limit:
        echo_limit("newest", limit)


@click.command("show")
@click.argument("number", type=ID)
@_json_option
@with_appcontext
@report_database_errors
def show_command(*, number: int, wants_json: bool) -> None:
    """Print one erasure's receipt.

    What was erased by an address or a conversation is shown as a keyed hash: the receipt doesn't
    contain the value itself.
    """
    with services().engine.connect() as connection:
        receipt = find_receipt(connection, number)
        vacuums = last_vacuums(connection)
    if receipt is None:
        raise CommandError(f"there is no erasure {number}.")
    document = _document(receipt) | {
        "vacuumed": {name: _vacuumed_at(receipt, at) for name, at in vacuums.items()},
        "elsewhere": elsewhere(receipt.kind),
    }
    if wants_json:
        echo(json.dumps(document))
    else:
        _print(document)


def _document(receipt: Receipt) -> dict[str, Any]:
    return {
        "number": receipt.id,
        "kind": receipt.kind,
        "matched": receipt.target,
        "account": receipt.account_id,
        "requestedBy": receipt.requested_by,
        "reason": receipt.reason,
        "requestedAt": _format(receipt.requested_at),
        "completedAt": _format(receipt.completed_at),
        "counts": receipt.counts,
    }


def _line(receipt: Receipt) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in sorted(receipt.counts.items()))
    state = "" if receipt.completed_at else "  interrupted or running"

    return (
        f"{receipt.id:>8}  {_format(receipt.requested_at)}  {receipt.requested_by:<16}  "
        f"{receipt.kind:<12}  {counts or 'nothing found'}{state}  {receipt.reason or ''}".rstrip()
    )


def _print(document: dict[str, Any]) -> None:
    names = ("number", "kind", "matched", "account", "requestedBy", "reason", "requestedAt")
    for name in names:
        echo(f"{name:<12}  {'-' if document[name] is None else document[name]}")
    unfinished = "not yet: it runs, or it was interrupted; then run the same command again"
    echo(f"{'completedAt':<12}  {document['completedAt'] or unfinished}")
    for place, count in sorted(document["counts"].items()):
        echo(f"{count:>8}  {place.replace('_', ' ')}")
    if document["completedAt"] and not document["counts"]:
        echo("Nothing was found.")
    echo("", "Dead rows vacuumed:")
    for table, vacuumed_at in document["vacuumed"].items():
        echo(f"- {table}: {vacuumed_at or 'not yet'}")
    if not all(document["vacuumed"].values()):
        echo(f"Run `{VACUUM}` as the tables' owner.")
    echo("", "What remains elsewhere:", *(f"- {line}" for line in document["elsewhere"]))


def _vacuumed_at(receipt: Receipt, vacuumed_at: datetime | None) -> str | None:
    """Return when the table was vacuumed, if that was after the erasure."""
    is_done = receipt.completed_at and vacuumed_at and vacuumed_at > receipt.completed_at

    return _format(vacuumed_at) if is_done else None


def _format(at: datetime | None) -> str | None:
    return format_utc(at) if at else None
