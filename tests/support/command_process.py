"""A command as a process of its own, for tests of signals and of silent peers."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

from dev.process import Child
from tests.support.paths import ROOT


@contextmanager
def command_process(environ: Mapping[str, str], log: Path, *arguments: str) -> Iterator[Child]:
    """Run `flask --app app …` until the block ends; `log` receives its output."""
    folder = Path(sys.executable).parent
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    with log.open("wb") as output:
        child = Child(
            [folder / "flask", "--app", "app", *arguments],
            stop_signal=SIGTERM,
            env={"PATH": path, **environ},
            cwd=ROOT,
            output=output,
        )
    try:
        yield child
    finally:
        child.stop(timeout_seconds=20)
