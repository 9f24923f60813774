"""The import law: which room may know which."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("app", "bench", "dev", "receiver", "schemas", "tests")

# What the modules of a room must not import.
FORBIDDEN = {
    "schemas": ("app", "bench", "dev", "receiver", "tests", "flask", "sqlalchemy", "psycopg"),
    "receiver": ("app", "bench", "dev", "tests"),
    "receiver/store": (
        "flask",
        "receiver.ingest",
        "receiver.lookup",
        "receiver.rejected",
        "receiver.spool",
        "receiver.twilio",
        "receiver.ops",
        "receiver.cli",
    ),
    "receiver/spool": ("flask", "gevent", "sqlalchemy", "psycopg"),
    "receiver/ingest": (
        "receiver.rejected",
        "receiver.lookup",
        "receiver.twilio",
        "receiver.ops",
        "receiver.openapi",
        "receiver.cli",
    ),
    "receiver/rejected": (
        "receiver.lookup",
        "receiver.spool",
        "receiver.twilio",
        "receiver.ops",
        "receiver.openapi",
        "receiver.cli",
    ),
    "receiver/lookup": (
        "receiver.ingest",
        "receiver.rejected",
        "receiver.spool",
        "receiver.twilio",
        "receiver.ops",
        "receiver.openapi",
        "receiver.cli",
    ),
    "receiver/openapi": (
        "receiver.ingest",
        "receiver.lookup",
        "receiver.store",
        "receiver.twilio",
        "receiver.cli",
    ),
    "receiver/ops": ("receiver.cli",),
    "receiver/twilio": ("receiver.ingest", "receiver.lookup", "receiver.rejected", "receiver.cli"),
}
# The rooms that know nothing of ours but these.
KNOWN = {"receiver/spool": ("receiver.spool", "receiver.store.event")}
# Pure functions: values in, values out.
PURE = {
    "receiver/ingest/signature.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/ingest/url.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/store/fold.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/store/event.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/lookup/cues.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/lookup/formats.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/lookup/speakers.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/ingest/form.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/ingest/judge.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/ingest/arrival.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/rejected/candidate.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/rejected/budget.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/rejected/origins.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/missing.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/twilio/reconcile/conversation.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/twilio/answer.py": ("flask", "sqlalchemy", "psycopg"),
    "receiver/twilio/submit_rows.py": ("flask", "sqlalchemy", "psycopg"),
}
# What every room may use imports no room.
ROOMS = (
    "receiver.ingest",
    "receiver.store",
    "receiver.rejected",
    "receiver.spool",
    "receiver.lookup",
    "receiver.ops",
    "receiver.openapi",
    "receiver.cli",
    "receiver.twilio",
)
SHARED = dict.fromkeys(
    (
        "receiver/account.py",
        "receiver/auth.py",
        "receiver/availability.py",
        "receiver/bounded.py",
        "receiver/config.py",
        "receiver/deadline.py",
        "receiver/fault.py",
        "receiver/keys.py",
        "receiver/links.py",
        "receiver/missing.py",
        "receiver/origin.py",
        "receiver/problem.py",
    ),
    ROOMS,
)
# SQL is spoken in the store alone; others may name its connections and errors.
SQL = tuple(
    f"sqlalchemy.{word}" for word in ("select", "text", "insert", "update", "delete", "func")
)
# Who may know the framework.
FLASK = (
    "app.py",
    "receiver/cli/",
    "receiver/auth.py",
    "receiver/availability.py",
    "receiver/links.py",
    "receiver/problem.py",
    "receiver/ingest/policy.py",
    "receiver/twilio/simulator/app.py",
    "receiver/twilio/simulator/conversation_views.py",
    "receiver/twilio/simulator/voice_views.py",
    "receiver/twilio/views.py",
    "receiver/twilio/wanted.py",
    "receiver/ingest/views.py",
    "receiver/lookup/answers.py",
    "receiver/lookup/arguments.py",
    "receiver/lookup/ask.py",
    "receiver/lookup/transcripts.py",
    "receiver/lookup/views.py",
    "receiver/openapi/",
    "receiver/ops/health.py",
)


def _modules(folder: str) -> Iterator[Path]:
    path = ROOT / folder

    return iter([path]) if path.suffix else path.rglob("*.py")


def _imported(path: Path) -> set[str]:
    """Return all names that the module imports, wherever in it, as far as a module may be meant."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}

    return names


def _belongs(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


@pytest.mark.parametrize(("folder", "rooms"), [*FORBIDDEN.items(), *PURE.items(), *SHARED.items()])
def test_a_room_imports_nothing_it_must_not(folder: str, rooms: tuple[str, ...]) -> None:
    """No module of the room imports what the law forbids it."""
    offences = [
        (str(path.relative_to(ROOT)), name)
        for path in _modules(folder)
        for name in _imported(path)
        if any(_belongs(name, room) for room in rooms)
    ]
    assert offences == []


@pytest.mark.parametrize(("folder", "known"), KNOWN.items())
def test_some_rooms_know_little(folder: str, known: tuple[str, ...]) -> None:
    """Of ours they import what the law names, and nothing else."""
    ours = {
        name
        for path in _modules(folder)
        for name in _imported(path)
        if any(_belongs(name, root) for root in OURS)
    }
    assert {name for name in ours if not any(_belongs(name, room) for room in known)} == set()


@pytest.mark.parametrize("folder", ["app.py", "schemas", "receiver"])
def test_only_the_store_speaks_sql(folder: str) -> None:
    """No other module imports what statements are made of."""
    speaking = {
        str(path.relative_to(ROOT))
        for path in _modules(folder)
        if any(_belongs(name, word) for name in _imported(path) for word in SQL)
    }
    assert {path for path in speaking if not path.startswith("receiver/store/")} == set()


def test_the_simulator_stands_alone() -> None:
    """It imports nothing of ours, so as to share no mistake, and only its command imports it."""
    inside = set(_modules("receiver/twilio/simulator"))
    room = "receiver.twilio.simulator"
    assert {
        name
        for path in inside
        for name in _imported(path)
        if any(_belongs(name, ours) for ours in OURS) and not _belongs(name, room)
    } == set()
    outside = [path for folder in ("app.py", "receiver", "schemas") for path in _modules(folder)]
    users = {
        str(path.relative_to(ROOT))
        for path in outside
        if path not in inside and any(_belongs(name, room) for name in _imported(path))
    }
    assert users == {"receiver/cli/simulate.py"}


def test_few_know_the_framework() -> None:
    """Flask is known to the wiring, the routes and the commands only."""
    knowing = {
        str(path.relative_to(ROOT))
        for folder in ("app.py", "receiver", "schemas")
        for path in _modules(folder)
        if any(_belongs(name, "flask") for name in _imported(path))
    }
    assert {path for path in knowing if not path.startswith(FLASK)} == set()


def test_the_web_process_imports_no_command() -> None:
    """Nor what only commands need: each is imported when it is run."""
    code = "import app, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
    ours = [name for name in done.stdout.decode().split() if name.startswith("receiver.")]
    needless = ("receiver.ops.doctor", "receiver.twilio.reconcile", "receiver.twilio.simulator")
    assert [name for name in ours if name.startswith(needless)] == []
    assert {name for name in ours if _belongs(name, "receiver.cli")} <= {
        "receiver.cli",
        "receiver.cli.commands",
    }


def test_there_is_no_cycle() -> None:
    """The modules can be put in an order in which each imports only earlier ones."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in ("app.py", "receiver", "schemas", "dev")
        for path in _modules(folder)
    }
    left = {name: _imported(path) & modules.keys() - {name} for name, path in modules.items()}
    while left:
        free = {name for name, imported in left.items() if not imported & left.keys()}
        assert free, f"a cycle among {sorted(left)}"
        left = {name: imported for name, imported in left.items() if name not in free}
