"""The command `export`: all jobs with their transcripts, as lines or as one file for each."""

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import with_appcontext

from receiver.cli.errors import report_database_errors
from receiver.cli.export.output import (
    STDOUT,
    FileOutput,
    StandardOutput,
    continue_file,
    create_file,
)
from receiver.cli.export.run import write_files, write_lines
from receiver.cli.output import CommandError, echo
from receiver.export.files import Folder, read_state
from receiver.export.position import Position
from receiver.export.walk import start_position
from receiver.export.written import NotResumableError, find_written
from receiver.lookup.formats import FORMATS
from receiver.runtime.errors import describe
from receiver.services import services
from schemas.export import FORMATS as LINES

_ALREADY_COMPLETE = "It is complete already."


@click.command("export")
@click.option("--output", metavar="FILE", help="Write one line per job; `-` is stdout.")
@click.option(
    "--files",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write one file per transcript.",
)
@click.option(
    "--resume",
    metavar="PATH",
    type=click.Path(exists=True, path_type=Path),
    help="Continue the interrupted export in this file or folder.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice([*LINES, *FORMATS]),
    help=f"{' or '.join(LINES)} (default: {LINES[0]}); with --files {', '.join(FORMATS)} "
    "(default: vtt).",
)
@click.option(
    "--since", type=click.DateTime(), help="Export jobs created at or after this UTC time."
)
@click.option("--until", type=click.DateTime(), help="Export jobs created before this UTC time.")
@with_appcontext
@report_database_errors
def command(  # noqa: PLR0913 - each is an option of the command
    *,
    output: str | None,
    files: Path | None,
    resume: Path | None,
    format_name: str | None,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Export all jobs of a period with their transcripts, oldest first.

    Give one of --output, --files and --resume. A FILE that ends with .gz is compressed. The last
    line has the counts, so a file without it is not complete. Erased jobs are left out and counted.
    Each transcript has a row in the audit: `audit list` prints it.
    """
    if sum(each is not None for each in (output, files, resume)) != 1:
        raise click.UsageError("Give one of --output, --files and --resume.")
    if resume:
        if format_name or since or until:
            raise click.UsageError("--resume keeps the format and the period.")
        _resume(resume)
        return
    formats = FORMATS if files else LINES
    if format_name is not None and format_name not in formats:
        raise click.UsageError(f"--format must be one of {', '.join(formats)} here.")
    position = _begin(since, until)
    if files:
        _begin_files(Folder(files, format_name or "vtt"), position)
    else:
        _begin_lines(output or STDOUT, format_name or LINES[0], position)


def _begin(since: datetime | None, until: datetime | None) -> Position:
    position = start_position(services().engine)

    return position.limited(
        since and since.replace(tzinfo=UTC), until.replace(tzinfo=UTC) if until else position.until
    )


def _begin_lines(target: str, format_name: str, position: Position) -> None:
    output: AbstractContextManager[FileOutput | StandardOutput]
    output = nullcontext(StandardOutput()) if target == STDOUT else create_file(Path(target))
    try:
        write_lines(output, target, format_name, position, is_new=True)
    except FileExistsError as error:
        raise CommandError(f"{target} exists: continue it with --resume, or remove it.") from error


def _begin_files(folder: Folder, position: Position) -> None:
    try:
        folder.create()
    except FileExistsError as error:
        raise CommandError(
            f"{folder.path} isn't an empty folder: continue it with --resume, or name another one."
        ) from error
    except OSError as error:
        raise CommandError(f"{folder.path} can't be made: {describe(error)}.") from error
    write_files(folder, position)


def _resume(path: Path) -> None:
    try:
        if path.is_dir():
            folder, position, is_complete = read_state(path)
            if not is_complete:
                write_files(folder, position)
                return
        else:
            with path.open("rb") as file:
                written = find_written(file)
            if not written.is_complete:
                output = continue_file(
                    path, written.size_bytes, is_compressed=written.is_compressed
                )
                write_lines(output, str(path), written.format_name, written.position, is_new=False)
                return
    except NotResumableError as error:
        raise CommandError(f"{path} can't be continued: {error}.") from error
    except OSError as error:
        raise CommandError(f"{path} can't be read: {describe(error)}.") from error
    echo(_ALREADY_COMPLETE, err=True)
