"""The import law: the floor plan, and what else a room may know.

`pytest tests/test_imports.py -k plan -s` prints the plan with the imports as they are.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

# From the top floor to the ground. A room imports only from floors below its own.
FLOOR_PLAN = (
    ("app",),
    ("receiver/cli",),
    ("receiver/reconcile",),
    ("receiver/callbacks", "receiver/lookup", "receiver/submissions", "receiver/doctor"),
    ("receiver/openapi",),
    ("receiver/web",),
    ("receiver/services",),
    ("receiver/rejected",),
    ("receiver/events", "receiver/store/completeness"),
    ("receiver/store/ledger", "receiver/store/polls", "receiver/store/submissions"),
    ("receiver/bodies", "receiver/spool", "receiver/store/jobs", "receiver/store/rejected"),
    ("receiver/signatures", "receiver/store", "receiver/preflight", "receiver/twilio"),
    ("receiver/settings", "receiver/runtime", "receiver/simulator", "schemas"),
)
# Highest number on the ground, so that an import leads to a higher one.
FLOOR_OF = {room: number for number, rooms in enumerate(FLOOR_PLAN) for room in rooms}

# These know nothing else of the project than the named parts.
SELF_CONTAINED = {
    "receiver/simulator": (),  # it must share no mistake with the service
    "receiver/spool": ("receiver.runtime.errors", "receiver.store.event"),
    "receiver/runtime": (),
    "schemas": (),
}

# Pure functions: values in, values out.
PURE = (
    "receiver/callbacks/revalidate.py",
    "receiver/events/validate.py",
    "receiver/lookup/cues.py",
    "receiver/lookup/formats.py",
    "receiver/lookup/sentences.py",
    "receiver/lookup/speakers.py",
    "receiver/reconcile/conversation.py",
    "receiver/reconcile/sentences.py",
    "receiver/reconcile/utterances.py",
    "receiver/rejected/budget.py",
    "receiver/rejected/candidate.py",
    "receiver/rejected/origins.py",
    "receiver/settings",
    "receiver/signatures",
    "receiver/store/event.py",
    "receiver/store/jobs/fold.py",
    "receiver/submissions/csv_rows.py",
    "receiver/twilio/responses.py",
    "receiver/web/transcript_state.py",
    "schemas",
)
IMPURE = ("flask", "sqlalchemy", "psycopg", "gevent", "requests")

# SQL is written in the store alone; other rooms may name its connections and errors.
SQL = tuple(
    f"sqlalchemy.{word}" for word in ("select", "text", "insert", "update", "delete", "func")
)

# The modules that may know the web framework: the wiring, the routes and the commands.
FLASK = (
    "app.py",
    "receiver/callbacks/policy.py",
    "receiver/callbacks/views.py",
    "receiver/cli/",
    "receiver/lookup/transcripts.py",
    "receiver/lookup/views.py",
    "receiver/openapi/",
    "receiver/services.py",
    "receiver/simulator/app.py",
    "receiver/simulator/conversation_views.py",
    "receiver/simulator/transcription_views.py",
    "receiver/submissions/error_responses.py",
    "receiver/submissions/request.py",
    "receiver/submissions/views.py",
    "receiver/web/",
)


def _modules(place: str) -> Iterator[Path]:
    path = ROOT / place

    return path.rglob("*.py") if path.is_dir() else iter([path.with_suffix(".py")])


def _room(module: str) -> str | None:
    """Return the room of the plan that holds the module, given by its dotted name."""
    name = module.replace(".", "/")
    holders = [room for room in FLOOR_OF if name == room or name.startswith(f"{room}/")]

    return max(holders, key=len, default=None)


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    _dotted(path): path for place in ("app", "receiver", "schemas") for path in _modules(place)
}


def _imported(path: Path) -> set[str]:
    """Return all names that the module imports, anywhere in it; a name may be a module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}

    return names


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _arrows() -> Iterator[tuple[str, str]]:
    """Yield each import between modules of the project."""
    for name, path in MODULES.items():
        for imported in _imported(path) & MODULES.keys() - {name}:
            yield name, imported


def _lines_of_the_plan() -> Iterator[str]:
    below: dict[str, set[str]] = {}
    for module, imported in _arrows():
        if _room(module) != _room(imported) and (holder := _room(imported)):
            below.setdefault(str(_room(module)), set()).add(holder)
    for number, rooms in enumerate(FLOOR_PLAN):
        yield f"floor {len(FLOOR_PLAN) - number}"
        for room in rooms:
            yield f"  {room}: {', '.join(sorted(below.get(room, ()))) or 'imports no other room'}"


def test_the_plan_has_every_room() -> None:
    """Each folder of the code is a room of the plan, and each room of the plan is a folder."""
    print("", *_lines_of_the_plan(), sep="\n")  # noqa: T201 - shown by -s, and where it fails
    places = {path for path in (ROOT / "receiver").iterdir() if path.name != "__pycache__"}
    folders = {str(path.relative_to(ROOT)) for path in places if path.is_dir()}
    folders |= {
        str(path.parent.relative_to(ROOT))
        for path in (ROOT / "receiver/store").glob("*/__init__.py")
    }
    files = {path for path in places if path.suffix == ".py"}
    loose = {str(path.relative_to(ROOT).with_suffix("")) for path in files}
    loose.remove("receiver/__init__")
    assert folders | loose | {"app", "schemas"} == FLOOR_OF.keys()


def test_no_import_runs_up() -> None:
    """A module imports from its own room and from rooms on lower floors only."""
    offences = [
        f"{module} imports {imported}"
        for module, imported in _arrows()
        if (room := _room(module)) != (other := _room(imported))
        and room
        and other
        and FLOOR_OF[room] >= FLOOR_OF[other]
    ]
    assert offences == []


def test_there_is_no_cycle() -> None:
    """The modules can be put in an order in which each imports only earlier ones."""
    left: dict[str, set[str]] = {name: set() for name in MODULES}
    for module, imported in _arrows():
        left[module].add(imported)
    while left:
        free = {name for name, imported in left.items() if not imported & left.keys()}
        assert free, f"a cycle among {sorted(left)}"
        left = {name: imported for name, imported in left.items() if name not in free}


def test_nothing_that_runs_imports_a_tool() -> None:
    """The service imports neither the development tools nor the benchmark nor the tests."""
    tools = ("bench", "dev", "tests")
    assert [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        for imported in _imported(path)
        if imported.partition(".")[0] in tools
    ] == []


@pytest.mark.parametrize(("room", "known"), SELF_CONTAINED.items())
def test_some_rooms_know_no_other(room: str, known: tuple[str, ...]) -> None:
    """The simulator, the spool, the runtime and the schemas stand without the rest."""
    own = room.replace("/", ".")
    assert [
        f"{module} imports {imported}"
        for module, imported in _arrows()
        if _within(module, own) and not any(_within(imported, name) for name in (own, *known))
    ] == []


def test_only_its_command_imports_the_simulator() -> None:
    """The service never runs a part of the simulator."""
    users = {
        module
        for module, imported in _arrows()
        if _within(imported, "receiver.simulator") and not _within(module, "receiver.simulator")
    }
    assert users
    assert {name for name in users if not _within(name, "receiver.cli.simulate")} == set()


@pytest.mark.parametrize("place", PURE)
def test_pure_modules_do_no_input_or_output(place: str) -> None:
    """They import neither the framework nor the driver nor an HTTP client."""
    assert [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _modules(place)
        for name in _imported(path)
        if any(_within(name, package) for package in IMPURE)
    ] == []


def test_only_the_store_writes_sql() -> None:
    """No other module imports what statements are made of."""
    writers = {
        str(path.relative_to(ROOT))
        for path in MODULES.values()
        if any(_within(name, word) for name in _imported(path) for word in SQL)
    }
    assert {path for path in writers if not path.startswith("receiver/store/")} == set()


def test_few_know_the_framework() -> None:
    """Flask is known to the wiring, the routes and the commands only."""
    users = {
        str(path.relative_to(ROOT))
        for path in MODULES.values()
        if any(_within(name, "flask") for name in _imported(path))
    }
    assert {path for path in users if not path.startswith(FLASK)} == set()


def test_the_web_process_imports_no_command() -> None:
    """Nor what only commands need: each is imported when it is run."""
    code = "import app, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
    ours = [name for name in done.stdout.decode().split() if name.startswith("receiver.")]
    needless = ("receiver.doctor", "receiver.reconcile", "receiver.simulator")
    assert [name for name in ours if name.startswith(needless)] == []
    assert {name for name in ours if _within(name, "receiver.cli")} <= {
        "receiver.cli",
        "receiver.cli.commands",
    }
