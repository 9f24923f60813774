"""The lock files that `make lock` writes and that pip installs from."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

PRODUCTION, RUN, DEVELOPMENT, BENCHMARK = LOCKS = (
    "requirements.txt",
    "requirements-run.txt",
    "requirements-dev.txt",
    "requirements-bench.txt",
)
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _blocks(lock: str) -> list[str]:
    """Return the text of each pin, with its hashes."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")

    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _pins(lock: str) -> dict[str, str]:
    """Return the pinned version of each package."""
    pins = (re.match(r"([\w.-]+)==(\S+)", block) for block in _blocks(lock))

    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


def _group_requirements(*groups: str) -> list[Requirement]:
    texts = [
        text
        for group in groups
        for text in _PROJECT["dependency-groups"][group]
        if isinstance(text, str)
    ]

    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_with_hashes(lock: str) -> None:
    """Each line pins one version with its hashes, so that pip installs nothing else."""
    for block in _blocks(lock):
        assert re.fullmatch(r"[\w.-]+==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+\s*", block), (
            block[:80]
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_no_address(lock: str) -> None:
    """A lock file contains no index, no URL and no path."""
    text = (ROOT / lock).read_text()

    assert not re.search(r"://|^-|^ *#|file:|/", text, flags=re.MULTILINE)


def test_each_lock_contains_the_previous_one() -> None:
    """Each lock has the pins of the previous one: development uses production's versions."""
    assert _pins(PRODUCTION).items() <= _pins(RUN).items() <= _pins(DEVELOPMENT).items()
    assert _pins(RUN).items() <= _pins(BENCHMARK).items()


def test_every_dependency_is_pinned() -> None:
    """Every dependency of pyproject.toml is pinned at a version that it allows."""
    production = [Requirement(text) for text in _PROJECT["project"]["dependencies"]]
    expected = {
        PRODUCTION: production,
        RUN: _group_requirements("run"),
        DEVELOPMENT: _group_requirements("dev"),
    }
    expected[BENCHMARK] = _group_requirements("bench")

    for lock, requirements in expected.items():
        for requirement in requirements:
            pin = _pins(lock)[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(pin), requirement


def test_production_has_no_development_package() -> None:
    """Production installs no package that only `make run` or `make test` needs."""
    names = {
        canonicalize_name(requirement.name)
        for requirement in _group_requirements("run", "dev", "bench")
    }

    assert not names & _pins(PRODUCTION).keys()


def test_no_second_lock_file() -> None:
    """The project has no uv.lock: Heroku's build refuses it beside requirements.txt."""
    assert not (ROOT / "uv.lock").exists()


def test_platforms_python_is_supported() -> None:
    """`.python-version` contains one minor version that the project supports."""
    version = (ROOT / ".python-version").read_text().strip()

    assert re.fullmatch(r"3\.\d+", version)
    assert SpecifierSet(_PROJECT["project"]["requires-python"]).contains(version)
