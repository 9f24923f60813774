"""The documents, compared with the code: settings, routes, commands, paths and links."""

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
    """Return the application; nothing here needs its database."""
    app = create_app(ENVIRON)
    yield app
    services_of(app).engine.dispose()


def _read(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_the_readme_is_short() -> None:
    """A first visit takes 150 lines at most; everything else is in docs/."""
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("index", [README, ROOT / "docs" / "README.md"], ids=["README", "docs"])
def test_each_index_links_to_every_page(index: Path) -> None:
    """Both tables of contents lead to each page of docs/."""
    linked = {(index.parent / target).resolve() for target, _ in _links(index) if target}
    pages = {path for path in DOCUMENTS if path.parent.name == "docs"} - {ROOT / "docs/README.md"}
    assert pages <= linked


def test_the_settings_page_lists_every_setting() -> None:
    """The tables name what is read from the environment, and nothing else."""
    cells = re.findall(r"^\| (`[A-Z][^|]+`) \|", _read("settings.md"), re.MULTILINE)
    assert set(re.findall(r"[A-Z_]+", " ".join(cells))) == config.variables()


def test_the_example_file_has_known_settings() -> None:
    """Each line of the example, commented out or not, sets a setting of ours."""
    example = (ROOT / "deploy" / "receiver.env.example").read_text()
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) <= config.variables()


def test_the_reading_page_lists_every_route(app: Flask) -> None:
    """The table names the application's routes, and nothing else."""
    listed = re.findall(r"^\| `([A-Z]+) (/[^`]*)` \|", _read("reading.md"), re.MULTILINE)
    served = {
        # The callback's route is there with a second slash and below a prefix too.
        (
            method,
            re.sub(
                r"<(\w+)>", r"{\1}", re.sub(r"^/(<string[^/]*>)?(/<string[^/]*>)?/", "/", rule.rule)
            ),
        )
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    ids = {"{job_id}": "{id}", "{callback_id}": "{callbackId}"}
    for ours, theirs in ids.items():
        served = {(method, path.replace(ours, theirs)) for method, path in served}
    assert set(listed) == served


def _commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix}{name} ")
        elif command:
            yield f"{prefix}{name}", command


def test_the_operating_page_lists_every_command(app: Flask) -> None:
    """The table has one row for each command, and none for anything else."""
    section = _read("operating.md").partition("## Commands\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `flask --app app ([a-z ]+?)(?: ID)?` \|", section, re.MULTILINE)
    assert isinstance(app.cli, click.Group)
    assert sorted(rows) == sorted(name for name, _ in _commands(app.cli))


@each_document
def test_every_command_and_option_exists(app: Flask, document: Path) -> None:
    """A command in a document is one of ours, and so is each option that follows it."""
    commands = dict(_commands(app.cli))
    names = "|".join(sorted(commands, key=len, reverse=True))
    text = re.sub(r"\\\n\s*", " ", document.read_text())
    for words in re.findall(r"flask --app app ([a-z]+(?: [a-z]+)?)", text):
        assert any(name in {words, words.partition(" ")[0]} for name in commands), words
    for name, options in re.findall(rf"\b({names})((?: (?:--?)[a-z-]*[^`\n]*)?)", text):
        # What follows is a command's argument, the shell's business or another program.
        told = re.findall(r"(?<=\s)--[a-z-]+", re.split(r"[|;&>]", options)[0])
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(told) <= known | {"--help"}, f"{name}{options}"


def _links(document: Path) -> list[tuple[str, str]]:
    """Return the relative links: each a path, which may be empty, and an anchor, likewise."""
    found = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", document.read_text())

    return [(target, anchor) for target, anchor in found]


def _anchors(document: Path) -> set[str]:
    """Return the anchors of the document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)

    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link names a file, and its anchor a heading there."""
    for target, anchor in _links(document):
        path = (document.parent / target).resolve() if target else document
        assert path.exists(), target
        assert not anchor or anchor in _anchors(path), f"{target}#{anchor}"


@each_document
def test_every_path_exists(document: Path) -> None:
    """A path of code in backticks is there, from the project's folder or from receiver/."""
    paths = re.findall(r"`([\w.-]+(?:/[\w.-]+)*(?:/|\.py|\.md|\.toml))`", document.read_text())
    for path in paths:
        assert any((root / path).exists() for root in (ROOT, ROOT / "receiver")), path


def test_the_walks_name_functions_where_they_are() -> None:
    """Each step of a walk has the line of its function; `python -m dev.walks` renews them."""
    architecture = _read("architecture.md")
    assert STEP.search(architecture)
    assert renewed(architecture, ROOT) == architecture


def test_a_callback_passes_few_files() -> None:
    """The way of a callback's body goes through at most seven files."""
    walk = _read("architecture.md").partition("### A callback\n")[2].partition("\n##")[0]
    files = {path for path, _, _ in STEP.findall(walk)}
    assert 0 < len(files) <= 7
