"""The contestants: their commands and their tables."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A web service. `command` contains the placeholders {port} and {workers}.

    The first of `tables` has one row for each callback. The command `prepare` runs before the first
    start.
    """

    name: str
    command: str
    tables: tuple[str, ...] = ()
    prepare: str | None = None
    keeps_alive: bool = True


def _procfile(process_type: str) -> str:
    lines = (line.partition(":") for line in (ROOT / "Procfile").read_text().splitlines())

    return {name: command.strip() for name, _, command in lines}[process_type]


# An empty configuration file, so that the peers' gunicorn doesn't find ours.
_GUNICORN = "gunicorn --config /dev/null --bind 127.0.0.1:{port} --workers {workers}"
_TUTORIAL = "bench.peers.tutorial"
_FASTAPI = "bench.peers.fastapi_asyncpg"

OURS = Contestant(
    name="ours",
    command=_procfile("web"),
    tables=("events", "transcriptions"),
    prepare=_procfile("release"),
)
TUTORIAL_SYNC = Contestant(
    name="tutorial, sync",
    command=f"{_GUNICORN} {_TUTORIAL}:app",
    tables=("transcription",),
    prepare=f"python -m {_TUTORIAL}",
    keeps_alive=False,
)
TUTORIAL_THREADS = Contestant(
    name="tutorial, gthread",
    command=f"{_GUNICORN} --worker-class gthread --threads 4 {_TUTORIAL}:app",
    tables=("transcription",),
    prepare=f"python -m {_TUTORIAL}",
)
FASTAPI = Contestant(
    name="FastAPI + asyncpg",
    command=f"uvicorn {_FASTAPI}:app --host 127.0.0.1 --port {{port}} --workers {{workers}} "
    "--loop uvloop --http httptools --no-access-log",
    tables=("transcriptions",),
    prepare=f"python -m {_FASTAPI}",
)
NOTHING = Contestant(
    name="nothing, gunicorn",
    command=f"{_GUNICORN} --worker-class gevent bench.peers.nothing:app",
)
NOTHING_ASYNCIO = Contestant(
    name="nothing, uvloop", command="python -m bench.peers.nothing_asyncio {port}"
)
