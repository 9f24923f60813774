"""Tests of the imports: the layers of the code, and what each package may import.

`pytest tests/test_imports.py -k plan -s` prints the floor plan with the current imports.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environment import ENVIRON
from tests.support.paths import ROOT

# The layers ("floors") of packages ("rooms"), top first. A room imports only from lower floors.
FLOOR_PLAN = (
    ("app",),
    ("receiver/cli",),
    ("receiver/console", "receiver/push", "receiver/reconcile"),
    ("receiver/export", "receiver/privacy", "receiver/search"),
    (
        "receiver/callbacks",
        "receiver/changes",
        "receiver/lookup",
        "receiver/submissions",
        "receiver/doctor",
    ),
    ("receiver/openapi",),
    ("receiver/web",),
    ("receiver/services",),
    ("receiver/metrics", "receiver/rejected"),
    (
        "receiver/events",
        "receiver/store/completeness",
        "receiver/store/metrics",
        "receiver/store/search",
    ),
    (
        "receiver/store/audit",
        "receiver/store/changes",
        "receiver/store/ledger",
        "receiver/store/polls",
        "receiver/store/push",
        "receiver/store/rejected",
        "receiver/store/retention",
        "receiver/store/submissions",
    ),
    ("receiver/store/erasure",),
    ("receiver/bodies", "receiver/spool", "receiver/store/jobs"),
    (
        "receiver/signatures",
        "receiver/store",
        "receiver/preflight",
        "receiver/twilio",
        "receiver/gunicorn",
    ),
    ("receiver/store/tables",),
    ("receiver/settings", "receiver/runtime", "receiver/simulator", "schemas"),
)
# The lowest floor has the highest number, so an import goes from a lower number to a higher one.
FLOOR_OF = {room: number for number, rooms in enumerate(FLOOR_PLAN) for room in rooms}

# These rooms import nothing else of the project than the listed modules.
SELF_CONTAINED = {
    "receiver/simulator": (),  # must not share a mistake with the service
    "receiver/spool": (
        "receiver.runtime.durable",
        "receiver.runtime.errors",
        "receiver.store.event",
    ),
    "receiver/runtime": (),
    "schemas": (),
}

# These modules do no input or output: they compute results from their arguments.
PURE = (
    "receiver/callbacks/revalidate.py",
    "receiver/console/advice.py",
    "receiver/console/session.py",
    "receiver/console/tiles.py",
    "receiver/console/turns.py",
    "receiver/console/timeline.py",
    "receiver/console/verdict.py",
    "receiver/console/words.py",
    "receiver/events/error_code.py",
    "receiver/events/proof.py",
    "receiver/events/validate.py",
    "receiver/lookup/cues.py",
    "receiver/lookup/formats.py",
    "receiver/lookup/sentences.py",
    "receiver/lookup/speakers.py",
    "receiver/lookup/text_direction.py",
    "receiver/push/schedule.py",
    "receiver/push/signature.py",
    "receiver/reconcile/conversation.py",
    "receiver/reconcile/sentences.py",
    "receiver/reconcile/utterances.py",
    "receiver/rejected/budget.py",
    "receiver/rejected/candidate.py",
    "receiver/rejected/origins.py",
    "receiver/search/languages.py",
    # All of settings but libpq.py, which asks the driver's library.
    "receiver/settings/config.py",
    "receiver/settings/database_url.py",
    "receiver/settings/environment.py",
    "receiver/settings/items.py",
    "receiver/settings/keys.py",
    "receiver/settings/push_endpoints.py",
    "receiver/settings/spool_keys.py",
    "receiver/settings/twilio_credentials.py",
    "receiver/settings/urls.py",
    "receiver/settings/values.py",
    "receiver/signatures",
    "receiver/store/event.py",
    "receiver/store/jobs/fold.py",
    "receiver/submissions/csv_rows.py",
    "receiver/twilio/responses.py",
    "receiver/web/transcript_state.py",
    "schemas",
)
IMPURE = ("flask", "sqlalchemy", "psycopg", "gevent", "requests")

# Only the store writes SQL; other rooms may use connections and errors.
SQL = tuple(
    f"sqlalchemy.{word}" for word in ("select", "text", "insert", "update", "delete", "func")
)

# Only these routes, or a setting, need them: the OpenAPI document, the metrics, submissions.
RARE = ("apispec", "prometheus_client", "requests", "twilio.rest", "alembic", "sentry_sdk")

# A web process imports only the routes of these rooms: the first request imports its view.
ON_DEMAND = (
    "receiver.console",
    "receiver.export",
    "receiver.openapi",
    "receiver.privacy",
    "receiver.search",
    "receiver.submissions",
)
LATE_IMPORTERS = ("import_module", "on_demand")
# What a callback needs. All of it is imported at the start: a late import could fail.
OF_CALLBACKS = (
    "receiver/bodies",
    "receiver/callbacks",
    "receiver/events",
    "receiver/rejected",
    "receiver/signatures",
    "receiver/spool",
    "receiver/store/erasure",
    "receiver/store/jobs",
    "receiver/store/ledger",
    "receiver/store/rejected",
)

# The modules that may import the web framework: the wiring, the routes and the commands.
FLASK = (
    "app.py",
    "receiver/callbacks/policy.py",
    "receiver/callbacks/views.py",
    "receiver/changes/views.py",
    "receiver/cli/",
    "receiver/console/",
    "receiver/export/routes.py",
    "receiver/export/views.py",
    "receiver/lookup/bodies.py",
    "receiver/lookup/links.py",
    "receiver/lookup/transcripts.py",
    "receiver/lookup/views.py",
    "receiver/openapi/",
    "receiver/privacy/request.py",
    "receiver/privacy/routes.py",
    "receiver/privacy/views.py",
    "receiver/search/routes.py",
    "receiver/search/views.py",
    "receiver/services.py",
    "receiver/simulator/app.py",
    "receiver/simulator/conversation_views.py",
    "receiver/simulator/transcription_views.py",
    "receiver/submissions/error_responses.py",
    "receiver/submissions/request.py",
    "receiver/submissions/routes.py",
    "receiver/submissions/views.py",
    "receiver/web/",
)


def _modules(place: str) -> Iterator[Path]:
    path = ROOT / place

    return path.rglob("*.py") if path.is_dir() else iter([path.with_suffix(".py")])


def _late_imports(path: Path) -> list[str]:
    """Return the imports of the module that its start doesn't do, as text."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    functions = [each for each in nodes if isinstance(each, ast.FunctionDef)]
    inside = [node for function in functions for node in ast.walk(function)]
    found = [node for node in inside if isinstance(node, ast.Import | ast.ImportFrom)]
    calls = [node for node in nodes if isinstance(node, ast.Name) and node.id in LATE_IMPORTERS]

    return [ast.unparse(node) for node in (*found, *calls)]


def _room(module: str) -> str | None:
    """Return the room that contains the module, which is given by its dotted name."""
    name = module.replace(".", "/")
    rooms = [room for room in FLOOR_OF if name == room or name.startswith(f"{room}/")]

    return max(rooms, key=len, default=None)


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    _module_name(path): path for place in ("app", "receiver", "schemas") for path in _modules(place)
}


def _imported_names(path: Path) -> set[str]:
    """Return all names that the module imports anywhere; a name may be a module's."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}

    return names


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _imports() -> Iterator[tuple[str, str]]:
    """Yield the importing and the imported module for each import within the project."""
    for name, path in MODULES.items():
        for imported in _imported_names(path) & MODULES.keys() - {name}:
            yield name, imported


def _plan_lines() -> Iterator[str]:
    imported_rooms: dict[str, set[str]] = {}
    for module, imported in _imports():
        if _room(module) != _room(imported) and (lower := _room(imported)):
            imported_rooms.setdefault(str(_room(module)), set()).add(lower)
    for number, rooms in enumerate(FLOOR_PLAN):
        yield f"floor {len(FLOOR_PLAN) - number}"
        for room in rooms:
            below = ", ".join(sorted(imported_rooms.get(room, ())))
            yield f"  {room}: {below or 'imports no other room'}"


def test_plan_lists_every_room() -> None:
    """The floor plan lists exactly the folders and the single modules of the code."""
    print("", *_plan_lines(), sep="\n")  # noqa: T201 - shown with -s and if the test fails
    entries = {path for path in (ROOT / "receiver").iterdir() if path.name != "__pycache__"}
    folders = {str(path.relative_to(ROOT)) for path in entries if path.is_dir()}
    folders |= {
        str(path.parent.relative_to(ROOT))
        for path in (ROOT / "receiver/store").glob("*/__init__.py")
    }
    files = {path for path in entries if path.suffix == ".py"}
    single_modules = {str(path.relative_to(ROOT).with_suffix("")) for path in files}
    single_modules.remove("receiver/__init__")
    assert folders | single_modules | {"app", "schemas"} == FLOOR_OF.keys()


def test_imports_lead_to_lower_floors() -> None:
    """A module imports only from its own room and from rooms on lower floors."""
    violations = [
        f"{module} imports {imported}"
        for module, imported in _imports()
        if (room := _room(module)) != (other := _room(imported))
        and room
        and other
        and FLOOR_OF[room] >= FLOOR_OF[other]
    ]
    assert violations == []


def test_no_import_cycle() -> None:
    """The modules' imports contain no cycle."""
    remaining: dict[str, set[str]] = {name: set() for name in MODULES}
    for module, imported in _imports():
        remaining[module].add(imported)
    while remaining:
        importable = {
            name for name, imported in remaining.items() if not imported & remaining.keys()
        }
        assert importable, f"a cycle among {sorted(remaining)}"
        remaining = {
            name: imported for name, imported in remaining.items() if name not in importable
        }


def test_service_imports_no_tools() -> None:
    """The service imports neither the development tools nor the benchmark nor the tests."""
    tools = ("bench", "dev", "tests")
    assert [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        for imported in _imported_names(path)
        if imported.partition(".")[0] in tools
    ] == []


@pytest.mark.parametrize(("room", "allowed"), SELF_CONTAINED.items())
def test_self_contained_rooms_import_no_others(room: str, allowed: tuple[str, ...]) -> None:
    """The simulator, the spool, the runtime and the schemas don't import other rooms."""
    own = room.replace("/", ".")
    assert [
        f"{module} imports {imported}"
        for module, imported in _imports()
        if _is_in(module, own) and not any(_is_in(imported, name) for name in (own, *allowed))
    ] == []


def test_only_the_command_imports_the_simulator() -> None:
    """The simulator is imported only by its command, never by the service."""
    users = {
        module
        for module, imported in _imports()
        if _is_in(imported, "receiver.simulator") and not _is_in(module, "receiver.simulator")
    }
    assert users
    assert {name for name in users if not _is_in(name, "receiver.cli.simulate")} == set()


@pytest.mark.parametrize("place", PURE)
def test_pure_modules_import_no_input_or_output(place: str) -> None:
    """Pure modules import no framework, database driver or HTTP client."""
    assert [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _modules(place)
        for name in _imported_names(path)
        if any(_is_in(name, package) for package in IMPURE)
    ] == []


def test_only_the_store_writes_sql() -> None:
    """Only the store imports the functions that build SQL statements."""
    writers = {
        str(path.relative_to(ROOT))
        for path in MODULES.values()
        if any(_is_in(name, word) for name in _imported_names(path) for word in SQL)
    }
    assert {path for path in writers if not path.startswith("receiver/store/")} == set()


def test_flask_is_imported_by_listed_modules_only() -> None:
    """Flask is imported only by the wiring, the routes and the commands."""
    users = {
        str(path.relative_to(ROOT))
        for path in MODULES.values()
        if any(_is_in(name, "flask") for name in _imported_names(path))
    }
    assert {path for path in users if not path.startswith(FLASK)} == set()


@pytest.fixture(scope="module")
def web_modules() -> list[str]:
    """Return the names of all modules that a web process has imported once it can serve."""
    code = "import app, os, sys; app.create_app(os.environ); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, env=ENVIRON, capture_output=True
    )

    return done.stdout.decode().split()


def test_web_process_starts_without_rare_libraries(web_modules: list[str]) -> None:
    """A library that few requests need is imported by the first of them, not at the start."""
    assert [name for name in web_modules if any(_is_in(name, rare) for rare in RARE)] == []


def test_web_process_imports_only_the_routes_of_some_rooms(web_modules: list[str]) -> None:
    """The console, the exports, the search and others are imported by their first request."""
    for room in ON_DEMAND:
        imported = {name for name in web_modules if _is_in(name, room)}
        assert imported == {room, f"{room}.routes"}


@pytest.mark.parametrize("room", OF_CALLBACKS)
def test_what_a_callback_needs_is_imported_at_the_start(room: str) -> None:
    """No function that a callback may call imports anything."""
    late = {str(path.relative_to(ROOT)): _late_imports(path) for path in _modules(room)}
    assert {path: imports for path, imports in late.items() if imports} == {}


def test_late_imports_are_found() -> None:
    """The test of what a callback needs finds both kinds of a late import."""
    assert _late_imports(ROOT / "receiver/metrics/metrics.py")
    assert _late_imports(ROOT / "receiver/search/routes.py")


def test_web_process_imports_no_command(web_modules: list[str]) -> None:
    """The web process imports no command, and nothing that only commands need."""
    own_modules = [name for name in web_modules if name.startswith("receiver.")]
    only_for_commands = ("receiver.doctor", "receiver.reconcile", "receiver.simulator")
    assert [name for name in own_modules if name.startswith(only_for_commands)] == []
    assert {name for name in own_modules if _is_in(name, "receiver.cli")} <= {
        "receiver.cli",
        "receiver.cli.commands",
        "receiver.cli.help_only",
    }
