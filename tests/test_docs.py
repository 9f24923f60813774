"""The documents, held against the code: settings, routes and commands."""

import re
from collections.abc import Iterator

import click
from flask import Flask

from receiver.settings import config
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]


def _rows(text: str, heading: str) -> str:
    """Return the section under the heading."""
    return text.partition(f"{heading}\n")[2].partition("\n#")[0]


def test_the_readme_lists_every_setting() -> None:
    """The table names what is read from the environment, and nothing else."""
    cells = re.findall(r"^\| (`[^|]+`) \|", _rows(README, "### Settings"), re.MULTILINE)
    assert set(re.findall(r"[A-Z_]+", " ".join(cells))) == config.variables()


def test_the_architecture_lists_every_route(app: Flask) -> None:
    """The table names the application's routes, and nothing else."""
    listed = re.findall(r"^\| `([A-Z]+) (/[^`]*)` \|", ARCHITECTURE, re.MULTILINE)
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


def _subcommands(group: click.Group) -> dict[str, click.Command | None]:
    context = click.Context(group)

    return {name: group.get_command(context, name) for name in group.list_commands(context)}


def _commands(group: click.Group, prefix: str = "") -> Iterator[str]:
    for name, command in _subcommands(group).items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def test_the_readme_names_every_command(app: Flask) -> None:
    """The operator finds each command of ours, and none that isn't there."""
    told = set(
        re.findall(r"flask --app app ([a-z]+(?: (?:list|show|body|check|accept|replay))?)", README)
    )
    assert told == set(_commands(app.cli))


def test_every_option_that_is_named_exists(app: Flask) -> None:
    """An option in a document is an option of one of our commands."""
    ours = {
        option
        for path in ("doctor", "callbacks", "rejected")
        for command in [_subcommands(app.cli)[path]]
        if command
        for each in (command.commands.values() if isinstance(command, click.Group) else [command])
        for parameter in each.params
        for option in parameter.opts
    }
    told = {
        option
        for document in DOCUMENTS
        for option in re.findall(
            r"(?:doctor|callbacks (?:list|replay)|rejected check)`? (--[a-z-]+)",
            document.read_text(),
        )
    }
    assert told
    assert told <= ours


def test_links_lead_somewhere() -> None:
    """Every relative link in the documents names a file."""
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), target
