"""Exports transcripts into a folder, one file for each, so that it can be continued."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receiver.export.jobs import Job
from receiver.export.position import CursorError, Position, parse_cursor
from receiver.export.written import NotResumableError
from receiver.lookup.formats import FORMATS
from receiver.runtime.durable import sync_folder
from schemas.transcript_files import EXTENSIONS

# No job's file has this name: ids have no dot.
STATE_NAME = "export.state.json"
_TEMPORARY_NAME = ".export.tmp"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with one transcript per file, and a file that says how far the export is.

    Files appear under their names only when they are complete and on the disk.
    """

    path: Path
    format_name: str

    def create(self) -> None:
        """Make the folder, or use an empty one; raises FileExistsError if it has files."""
        self.path.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        if any(self.path.iterdir()):
            raise FileExistsError
        self.path.chmod(_PRIVATE_FOLDER)

    def write(self, page: Sequence[Job]) -> None:
        """Write the transcripts of the page, then its end as the state."""
        for job in page:
            if job.document is not None:
                name = f"{job.row['id']}.{EXTENSIONS[self.format_name]}"
                self._replace(name, FORMATS[self.format_name].render(job.document))
        # Before the state says that they are there.
        sync_folder(self.path)
        self.write_state(page[-1].position, is_complete=False)

    def write_state(self, position: Position, *, is_complete: bool) -> None:
        """Write how far the export is: what the last line of a stream has, and the format."""
        content = {
            **position.counts.as_dict(),
            "cursor": position.cursor(),
            "complete": is_complete,
            "format": self.format_name,
        }
        self._replace(STATE_NAME, json.dumps({"export": content}).encode() + b"\n")
        sync_folder(self.path)

    def _replace(self, name: str, data: bytes) -> None:
        temporary = self.path / _TEMPORARY_NAME
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(self.path / name)


def read_state(path: Path) -> tuple[Folder, Position, bool]:
    """Return the folder, where its export continues, and whether it is complete.

    Raises NotResumableError.
    """
    try:
        content: dict[str, Any] = json.loads((path / STATE_NAME).read_bytes())["export"]
        format_name, is_complete = content["format"], bool(content["complete"])
        position = parse_cursor(content["cursor"])
    except (OSError, ValueError, KeyError, TypeError, CursorError):
        raise NotResumableError(f"it has no usable {STATE_NAME}; begin anew") from None
    if format_name not in FORMATS:
        raise NotResumableError(f"its {STATE_NAME} has an unknown format")

    return Folder(path, format_name), position, is_complete
