"""Tests of the documents, which must agree with the code."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

from app import create_app
from dev.walks import STEP, renewed
from receiver.settings import config
from tests.support.environment import ENVIRON, close_app
from tests.support.paths import ROOT
from tests.test_imports import FLOOR_PLAN

README = ROOT / "README.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """Yield the application, without a database."""
    app = create_app(ENVIRON)
    yield app
    close_app(app)


def _read(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_readme_is_short() -> None:
    """The README has at most 150 lines."""
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("index", [README, ROOT / "docs" / "README.md"], ids=["README", "docs"])
def test_index_links_to_every_page(index: Path) -> None:
    """The README and the index of docs/ link to every page of docs/."""
    linked = {(index.parent / target).resolve() for target, _ in _links(index) if target}
    pages = {path for path in DOCUMENTS if path.parent.name == "docs"} - {ROOT / "docs/README.md"}
    assert pages <= linked


def test_settings_page_lists_every_setting() -> None:
    """The settings page lists exactly the settings that the code reads."""
    cells = re.findall(r"^\| (`[A-Z][^|]+`) \|", _read("settings.md"), re.MULTILINE)
    assert set(re.findall(r"[A-Z_]+", " ".join(cells))) == config.variables()


def test_example_file_has_known_settings() -> None:
    """Each line of the example file sets a known setting."""
    example = (ROOT / "deploy" / "receiver.env.example").read_text()
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) <= config.variables()


def test_reading_page_lists_every_route(app: Flask) -> None:
    """The reading page and the console's page list exactly the application's routes."""
    pages = _read("reading.md") + _read("console.md")
    listed = re.findall(r"^\| `([A-Z]+) (/[^`]*)` \|", pages, re.MULTILINE)
    served = {
        # The callback's route also exists with a second slash and below a prefix.
        (
            method,
            re.sub(r"<(?:path:)?(\w+)>", r"{\1}", re.sub(r"^/(<path:[^/]*>)?/", "/", rule.rule)),
        )
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    parameters = {"{job_id}": "{id}", "{callback_id}": "{callbackId}", "{_path}": "{path}"}
    for name, documented in parameters.items():
        served = {(method, path.replace(name, documented)) for method, path in served}
    assert set(listed) == served


def _commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix}{name} ")
        # A group may be a command, too.
        if command and getattr(command, "invoke_without_command", True):
            yield f"{prefix}{name}", command


def test_operating_page_lists_every_command(app: Flask) -> None:
    """The operating page lists exactly the application's commands."""
    section = _read("operating.md").partition("## Commands\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `flask --app app ([a-z ]+?)(?: [A-Z]+)?` \|", section, re.MULTILINE)
    assert isinstance(app.cli, click.Group)
    assert sorted(rows) == sorted(name for name, _ in _commands(app.cli))


@each_document
def test_every_command_and_option_exists(app: Flask, document: Path) -> None:
    """Each command and option that a document mentions exists."""
    commands = dict(_commands(app.cli))
    names = "|".join(sorted(commands, key=len, reverse=True))
    text = re.sub(r"\\\n\s*", " ", document.read_text())
    for words in re.findall(r"flask --app app ([a-z]+(?: [a-z]+)?)", text):
        assert any(name in {words, words.partition(" ")[0]} for name in commands), words
    for name, options in re.findall(rf"\b({names})((?: (?:--?)[a-z-]*[^`\n]*)?)", text):
        # What follows one of these characters belongs to the shell or to another program.
        mentioned = re.findall(r"(?<=\s)--[a-z-]+", re.split(r"[|;&>]", options)[0])
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(mentioned) <= known | {"--help"}, f"{name}{options}"


def _links(document: Path) -> list[tuple[str, str]]:
    """Return the path and the anchor of each relative link; either may be empty."""
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", document.read_text())

    return [(target, anchor) for target, anchor in links]


def heading_anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub derives from the document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)

    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_have_a_target(document: Path) -> None:
    """Each relative link names an existing file and an existing heading."""
    for target, anchor in _links(document):
        path = (document.parent / target).resolve() if target else document
        assert path.exists(), target
        assert not anchor or anchor in heading_anchors(path), f"{target}#{anchor}"


@each_document
def test_every_path_exists(document: Path) -> None:
    """Each path of code in backticks exists below the project's folder or receiver/."""
    paths = re.findall(r"`([\w.-]+(?:/[\w.-]+)*(?:/|\.py|\.md|\.toml))`", document.read_text())
    for path in paths:
        assert any((root / path).exists() for root in (ROOT, ROOT / "receiver")), path


def test_walks_have_current_line_numbers() -> None:
    """Each step of a walk has its function's line, which `python -m dev.walks` updates."""
    architecture = _read("architecture.md")
    assert STEP.search(architecture)
    assert renewed(architecture, ROOT) == architecture


def _walks() -> dict[str, str]:
    """Return the walks through the code, each with its heading."""
    section = _read("architecture.md").partition("## Walks through the code\n")[2]
    parts = section.partition("\n## ")[0].split("\n### ")[1:]

    return {heading: walk for heading, _, walk in (part.partition("\n") for part in parts)}


def test_every_step_of_a_walk_names_a_function() -> None:
    """The steps are numbered without a gap, and each begins with a file, a line and a function."""
    walks = _walks()
    assert set(walks) == {"A callback", "A lookup", "A submission", "A reconcile pass"}
    for heading, walk in walks.items():
        steps = re.findall(r"^(\d+)\. (.*)$", walk, re.MULTILINE)
        assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1)), heading
        assert [step for _, step in steps if not STEP.match(step)] == [], heading


def test_a_callback_passes_few_files() -> None:
    """The way of a callback's body goes through at most seven files."""
    files = {path for path, _, _ in STEP.findall(_walks()["A callback"])}
    assert 0 < len(files) <= 7


def test_the_table_of_folders_is_the_floor_plan() -> None:
    """The table has each folder of the plan on its floor, counted from the ground."""
    section = _read("architecture.md").partition("## The folders\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| `([^`]+)` \|", section, re.MULTILINE)
    listed = [(int(floor), re.sub(r"/$|\.py$", "", room)) for floor, room in rows]
    plan = [(floor, room) for floor, rooms in enumerate(reversed(FLOOR_PLAN), 1) for room in rooms]
    assert sorted(listed) == sorted(plan)


@each_document
def test_every_make_target_exists(document: Path) -> None:
    """Each `make target` of a document is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    code = "\n".join(re.findall(r"`[^`\n]+`|^\$ .*$", document.read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code)) <= targets


def test_contributing_lists_every_target() -> None:
    """The table of commands has each target that is for use by hand."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)) - {"venv"}
    table = (ROOT / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"^\| `make ([a-z-]+)` \|", table, re.MULTILINE)) == targets


def test_contributing_lists_every_mark() -> None:
    """The table of marks has those that pytest is configured with."""
    configured = (ROOT / "pyproject.toml").read_text().partition("markers = [")[2].partition("]")[0]
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("| mark |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)) == set(
        re.findall(r'"([a-z_]+):', configured)
    )
