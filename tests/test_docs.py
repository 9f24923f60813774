"""Tests of the documents, which must agree with the code."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

from app import create_app
from dev.walks import STEP, renewed
from receiver.services import services_of
from receiver.settings import config
from tests.support.environment import ENVIRON
from tests.support.paths import ROOT

README = ROOT / "README.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """Yield the application, without a database."""
    app = create_app(ENVIRON)
    yield app
    services_of(app).engine.dispose()


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
    """The reading page lists exactly the application's routes."""
    listed = re.findall(r"^\| `([A-Z]+) (/[^`]*)` \|", _read("reading.md"), re.MULTILINE)
    served = {
        # The callback's route also exists with a second slash and below a prefix.
        (
            method,
            re.sub(
                r"<(\w+)>", r"{\1}", re.sub(r"^/(<string[^/]*>)?(/<string[^/]*>)?/", "/", rule.rule)
            ),
        )
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    parameters = {"{job_id}": "{id}", "{callback_id}": "{callbackId}"}
    for name, documented in parameters.items():
        served = {(method, path.replace(name, documented)) for method, path in served}
    assert set(listed) == served


def _commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix}{name} ")
        elif command:
            yield f"{prefix}{name}", command


def test_operating_page_lists_every_command(app: Flask) -> None:
    """The operating page lists exactly the application's commands."""
    section = _read("operating.md").partition("## Commands\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `flask --app app ([a-z ]+?)(?: ID)?` \|", section, re.MULTILINE)
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


def _anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub derives from the document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)

    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_have_a_target(document: Path) -> None:
    """Each relative link names an existing file and an existing heading."""
    for target, anchor in _links(document):
        path = (document.parent / target).resolve() if target else document
        assert path.exists(), target
        assert not anchor or anchor in _anchors(path), f"{target}#{anchor}"


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


def test_callback_walk_has_few_files() -> None:
    """The walk of a callback passes through at most seven files."""
    walk = _read("architecture.md").partition("### A callback\n")[2].partition("\n##")[0]
    files = {path for path, _, _ in STEP.findall(walk)}
    assert 0 < len(files) <= 7
