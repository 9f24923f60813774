"""Runs an export with a progress bar, and says how to continue one that failed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from receiver.cli.export.output import STDOUT, FileOutput, StandardOutput
from receiver.cli.operator import operator_name
from receiver.cli.output import CommandError, echo, progress_bar
from receiver.export.files import Folder
from receiver.export.jobs import Job
from receiver.export.lines import LINE_FORMATS, render_job, render_last
from receiver.export.position import Position
from receiver.export.walk import Walk
from receiver.runtime.errors import describe
from receiver.runtime.pacing import no_pause
from receiver.services import services
from receiver.settings.urls import without_credentials
from receiver.store.audit.access import Access, Route


def write_lines(
    output: AbstractContextManager[FileOutput | StandardOutput],
    target: str,
    format_name: str,
    position: Position,
    *,
    is_new: bool,
) -> None:
    """Write the jobs after the position, and the last line; raises CommandError."""
    line_format, settings = LINE_FORMATS[format_name], services().settings
    # A command has no request URL, so without PUBLIC_URL it writes paths only.
    origin = without_credentials(settings.public_url or "")

    def render(page: Sequence[Job]) -> bytes:
        return b"".join(render_job(line_format, job, origin, settings, no_pause) for job in page)

    with _explain_failure(None if target == STDOUT else target), output as out:
        out.write(line_format.head if is_new else b"")
        end = _walk(format_name, position, lambda page: out.write(render(page)))
        out.write(render_last(line_format, end, is_complete=True))
    _print(end)


def write_files(folder: Folder, position: Position) -> None:
    """Write a file for each transcript after the position; raises CommandError."""
    with _explain_failure(str(folder.path)):
        folder.write_state(position, is_complete=False)
        end = _walk(folder.format_name, position, folder.write)
        folder.write_state(end, is_complete=True)
    _print(end)


def _walk(format_name: str, position: Position, write: Callable[[Sequence[Job]], None]) -> Position:
    """Write each page, and return the end."""
    access = Access(reader=operator_name(), route=Route.EXPORT_COMMAND, format=format_name)
    walk = Walk(engine=services().engine, access=access, position=position)
    with progress_bar(label="Exporting", length=walk.count()) as bar:
        for page in walk.pages():
            write(page)
            position = page[-1].position
            bar.update(len(page))

    return position


@contextmanager
def _explain_failure(path: str | None) -> Iterator[None]:
    """Say how to continue if the block fails; turn what a disk reports into an error."""
    try:
        yield
    except (FileExistsError, BrokenPipeError):  # the caller explains the one, click ends the other
        raise
    except BaseException as error:
        if path:
            echo(f"Interrupted. Continue with `flask --app app export --resume {path}`.", err=True)
        if isinstance(error, OSError):
            raise CommandError(
                f"{path or 'stdout'} can't be written: {describe(error)}."
            ) from error
        raise


def _print(position: Position) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in position.counts.as_dict().items())
    echo(f"{counts}.", err=True)
