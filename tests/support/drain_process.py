"""A process that drains a spool: `python -m tests.support.drain_process URL FOLDER`.

It waits for a line on its standard input, then prints how many files it moved.
"""

import sys
from pathlib import Path

from receiver.callbacks.drain import Drain
from receiver.spool.folder import Spool
from tests.support.environment import open_engine
from tests.support.spooled import SEAL


def main(url: str, folder: Path) -> None:
    """Drain until no file is waiting."""
    print("ready", flush=True)  # noqa: T201 - to the test that started it
    sys.stdin.readline()
    moved = 0
    with open_engine(url) as engine:
        drain = Drain(engine, Spool(folder, durable=True, seal=SEAL), [])
        while files := drain.waiting():
            moved += sum(result.moved for result in drain.run(files))
    print(moved, flush=True)  # noqa: T201 - to the test that started it


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
