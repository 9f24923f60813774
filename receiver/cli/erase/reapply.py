"""The commands `erase export` and `erase reapply`: erasures outlive a restore of the database."""

import os
from pathlib import Path
from typing import IO

import click
from flask.cli import with_appcontext

from receiver.cli.erase.erase import print_receipt
from receiver.cli.erase.errors import report_erasure_errors
from receiver.cli.erase.progress import PlaceProgress
from receiver.cli.errors import report_database_errors
from receiver.cli.operator import operator_name
from receiver.cli.output import CommandError, echo
from receiver.privacy.erasures_file import InvalidFileError, file_lines, load_file
from receiver.privacy.reapply import reapply
from receiver.runtime.plural import pluralize
from receiver.services import services
from receiver.store.erasure.receipts import Requester
from receiver.store.erasure.transfer import ForeignKeyError


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
@report_database_errors
def export_command(*, file: Path) -> None:
    """Write all erasures to FILE, for `erase reapply` after a restore.

    Run it each day, and keep the file outside of the database. It contains no address, but hashes
    and their key: keep it as confidential as a backup. `-` is the standard output.
    """
    if str(file) == "-":
        for line in file_lines(services().engine):
            echo(line)
        return
    # Under another name first: an interruption must not replace the last complete file.
    partial = file.with_name(f"{file.name}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.writelines(f"{line}\n" for line in file_lines(services().engine))
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
    except OSError as error:
        raise CommandError(f"{file} can't be written: {error.strerror}.") from error
    echo(f"{file} is written.", err=True)


@click.command("reapply")
@click.argument("file", type=click.File(), required=False)
@with_appcontext
@report_database_errors
def reapply_command(*, file: IO[str] | None) -> None:
    """Erase again what a restored backup has brought back.

    FILE was written by `erase export` after the erasures; `-` is the standard input. Without FILE,
    the database's own records are used: they are complete if only other tables were restored.

    It may run while callbacks arrive, and continues after an interruption if you run it again.
    """
    try:
        if file is not None:
            loaded = load_file(services().engine, file)
            echo(
                f"The file has {pluralize(loaded.tombstones, 'record')} of erased jobs, addresses "
                "and bodies. "
                f"It was written at {loaded.exported_at:%Y-%m-%dT%H:%M:%SZ}: what was erased "
                "later must be erased by hand.",
                err=True,
            )
        with report_erasure_errors(), PlaceProgress(services().engine) as progress:
            receipt = reapply(
                services().engine, Requester(name=operator_name()), report=progress.report
            )
    except UnicodeDecodeError:
        raise CommandError("the file is not one that `erase export` writes.") from None
    except (InvalidFileError, ForeignKeyError) as error:
        raise CommandError(f"{error}.") from error
    print_receipt(receipt)
    echo(
        "",
        "Addresses and conversations are known as hashes only, so they were found where they are "
        "whole values, but not within a text that can't be read as JSON. To find these too, run "
        "`erase verify` with the address.",
    )
