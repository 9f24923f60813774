"""The choice of a Python, with stand-ins for the Pythons that a machine may have."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

_SCRIPT = ROOT / "dev" / "venv.sh"
_TOOLS = ("grep", "rm", "sh")
# Answers the questions of dev/venv.sh: is the version supported, where is it, can it create a venv.
_PYTHON = """#!/bin/sh
case "$*" in
*version_info*) exit {unsupported} ;;
*sys.executable*) echo {path} ;;
*ensurepip*) exit {no_venv} ;;
*venv*) echo "venv by {path}"; exit 7 ;;
esac
"""
_SHIM = "#!/bin/sh\necho 'pyenv: no such command' >&2\nexit 127\n"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Create a folder that is the whole PATH: it contains the tools, and no Python yet."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for tool in _TOOLS:
        path = shutil.which(tool)
        assert path
        (programs / tool).symlink_to(path)

    return programs


def _add_python(
    programs: Path, name: str, *, unsupported: bool = False, no_venv: bool = False
) -> None:
    path = programs / name
    path.write_text(_PYTHON.format(path=path, unsupported=int(unsupported), no_venv=int(no_venv)))
    path.chmod(0o755)


def _run_script(programs: Path, **environment: str) -> str:
    """Run the script in its own folder, and return its output; it fails in each test."""
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


def test_newest_supported_python_is_chosen(programs: Path) -> None:
    """The script skips a shim that doesn't run and an unsupported version, newest first."""
    (programs / "python3.14").write_text(_SHIM)
    (programs / "python3.14").chmod(0o755)
    _add_python(programs, "python3.13", unsupported=True)
    _add_python(programs, "python3.12")
    _add_python(programs, "python3")

    assert f"venv by {programs / 'python3.12'}\n" in _run_script(programs)


def test_python_without_venv_is_skipped(programs: Path) -> None:
    """The script skips a Python that can't create a venv."""
    _add_python(programs, "python3.13", no_venv=True)
    _add_python(programs, "python3")

    assert f"venv by {programs / 'python3'}\n" in _run_script(programs)


def test_missing_venv_package_is_named(programs: Path) -> None:
    """If no supported Python can create a venv, the script names the package to install."""
    _add_python(programs, "python3", no_venv=True)

    assert "apt install python3-venv" in _run_script(programs)


def test_without_python_versions_are_named(programs: Path) -> None:
    """Without a supported Python, the script names the versions and ways to get one."""
    output = _run_script(programs)

    assert "No Python 3.11 to 3.14 found" in output
    assert "make run PYTHON=" in output


def test_chosen_python_must_be_supported(programs: Path) -> None:
    """With `PYTHON=` the script tries this one only, and names it if it isn't supported."""
    _add_python(programs, "python3")
    _add_python(programs, "old", unsupported=True)

    assert "PYTHON=old doesn't run" in _run_script(programs, PYTHON="old")
