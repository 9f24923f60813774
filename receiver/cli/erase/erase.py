"""The commands `erase job`, `erase address` and `erase conversation`."""

import re
from collections.abc import Callable

import click
from flask.cli import with_appcontext

from receiver.cli.addresses import parse_address, require_stored
from receiver.cli.confirm import confirm
from receiver.cli.erase.elsewhere import print_elsewhere
from receiver.cli.erase.errors import report_erasure_errors
from receiver.cli.erase.preview import show_preview
from receiver.cli.erase.progress import PlaceProgress
from receiver.cli.errors import report_database_errors
from receiver.cli.operator import operator_name
from receiver.cli.output import CommandError, echo
from receiver.privacy.erase import erase
from receiver.privacy.target import Target, is_e164
from receiver.services import services
from receiver.spool.folder import explain
from receiver.store.erasure.receipts import Receipt, Requester
from schemas.storable import ID_PATTERN


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what the three commands have in common."""
    for option in (
        click.option("--yes", is_flag=True, help="Don't ask for confirmation."),
        click.option(
            "--reason",
            help="Why, for the receipt: a case number, for example. Don't write anything personal.",
        ),
    ):
        command = option(command)

    return with_appcontext(report_database_errors(command))


@click.command("job")
@click.argument("job_id", metavar="ID")
@_options
def job_command(*, job_id: str, yes: bool, reason: str | None) -> None:
    """Erase one job.

    A job that this service submitted again is erased together with the first one, because both are
    of the same recording.
    """
    if not re.fullmatch(ID_PATTERN, job_id):
        raise CommandError("this is not a valid id of a job.")
    _erase(Target("job", job_id), yes=yes, reason=reason)


@click.command("address")
@click.argument("address")
@_options
def address_command(*, address: str, yes: bool, reason: str | None) -> None:
    """Erase all jobs of a participant's address.

    ADDRESS is a phone number in E.164 form, such as +14155550100, or another address exactly as it
    is stored. Jobs that begin after the erasure are new, and stay.
    """
    address = parse_address(address)
    if not is_e164(address):
        with services().engine.connect() as connection:
            require_stored(connection, address)
    _erase(Target("address", address), yes=yes, reason=reason)


@click.command("conversation")
@click.argument("conversation_id", metavar="ID")
@_options
def conversation_command(*, conversation_id: str, yes: bool, reason: str | None) -> None:
    """Erase all jobs of a conversation."""
    if not re.fullmatch(ID_PATTERN, conversation_id):
        raise CommandError("this is not a valid id of a conversation.")
    _erase(Target("conversation", conversation_id), yes=yes, reason=reason)


def _erase(target: Target, *, yes: bool, reason: str | None) -> None:
    with report_erasure_errors():
        found, copies = show_preview(target)
    if not yes:
        confirm("Erase this for good?", refusal="nothing was erased.")
    if copies:  # before they are erased here: an interruption must not lose them
        echo("Their recordings, conversations and files, which this doesn't delete:", *copies, "")
    requester = Requester(name=operator_name(), reason=reason)
    try:
        with (
            report_erasure_errors(),
            PlaceProgress(services().engine, jobs=found.jobs) as progress,
        ):
            receipt = erase(
                services().engine,
                target,
                requester,
                spool=services().spool,
                report=progress.report,
            )
    except OSError as error:
        raise CommandError(
            f"the database is done, but the spool can't be searched: {explain(error)}. Run the "
            "same command again when it can."
        ) from error
    print_receipt(receipt)


def print_receipt(receipt: Receipt) -> None:
    """Print what was erased, the receipt's number, and what remains elsewhere."""
    for place, count in sorted(receipt.counts.items()):
        echo(f"{count:>8}  {place.replace('_', ' ')}")
    result = "Erased." if receipt.counts else _nothing_found(receipt.kind)
    echo(f"{result} The receipt is number {receipt.id}: `flask --app app erase show {receipt.id}`.")
    print_elsewhere(receipt.kind)


def _nothing_found(kind: str) -> str:
    """Return what an erasure that found nothing means: the value may be mistyped."""
    if kind in {"address", "conversation"}:
        return (
            f"Nothing was found of this {kind}. Its jobs that began before now are erased when "
            "their callbacks arrive."
        )

    return "Nothing more was found to erase."
