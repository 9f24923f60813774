"""The choice of a Python, with stand-ins for those that a machine may have."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

_SCRIPT = ROOT / "dev" / "venv.sh"
_TOOLS = ("grep", "rm", "sh")
# Answers what dev/venv.sh asks a Python: does it fit, where is it, can it make a venv.
_PYTHON = """#!/bin/sh
case "$*" in
*version_info*) exit {unfit} ;;
*sys.executable*) echo {path} ;;
*ensurepip*) exit {bare} ;;
*venv*) echo "venv by {path}"; exit 7 ;;
esac
"""
_SHIM = "#!/bin/sh\necho 'pyenv: no such command' >&2\nexit 127\n"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Make a folder to be the whole PATH: the tools, and no Python yet."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for tool in _TOOLS:
        found = shutil.which(tool)
        assert found
        (programs / tool).symlink_to(found)

    return programs


def _add(programs: Path, name: str, *, unfit: bool = False, bare: bool = False) -> None:
    path = programs / name
    path.write_text(_PYTHON.format(path=path, unfit=int(unfit), bare=int(bare)))
    path.chmod(0o755)


def _make(programs: Path, **environment: str) -> str:
    """Run it in a folder of its own, and return what it says; it fails in each test."""
    project = programs.with_name("project")
    project.mkdir()
    done = subprocess.run(
        ["/bin/sh", _SCRIPT],
        cwd=project,
        env={"PATH": os.fspath(programs), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode

    return done.stdout + done.stderr


def test_first_python_that_runs(programs: Path) -> None:
    """A shim that doesn't run and an unfit version are passed over, newest first."""
    (programs / "python3.14").write_text(_SHIM)
    (programs / "python3.14").chmod(0o755)
    _add(programs, "python3.13", unfit=True)
    _add(programs, "python3.12")
    _add(programs, "python3")

    assert f"venv by {programs / 'python3.12'}\n" in _make(programs)


def test_python_without_venv_is_passed_over(programs: Path) -> None:
    """A Python that can make no venv gives way to one that can."""
    _add(programs, "python3.13", bare=True)
    _add(programs, "python3")

    assert f"venv by {programs / 'python3'}\n" in _make(programs)


def test_only_a_python_without_venv(programs: Path) -> None:
    """If no fitting Python can make a venv, the package to install is named."""
    _add(programs, "python3", bare=True)

    assert "apt install python3-venv" in _make(programs)


def test_no_python(programs: Path) -> None:
    """Without a fitting Python the versions, and ways to get one, are named."""
    said = _make(programs)

    assert "No Python 3.11 to 3.14 found" in said
    assert "make run PYTHON=" in said


def test_the_users_choice(programs: Path) -> None:
    """`PYTHON=` is taken alone, and named if it doesn't fit."""
    _add(programs, "python3")
    _add(programs, "old", unfit=True)

    assert "PYTHON=old doesn't run" in _make(programs, PYTHON="old")
