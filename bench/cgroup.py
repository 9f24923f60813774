"""Limits the CPU time of processes with a control group of Linux, as containers are limited."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PERIOD_MICROSECONDS = 100_000  # the default of Docker and Kubernetes
_ROOT = Path("/sys/fs/cgroup")  # of version 2
_ROOT_OF_VERSION_1 = _ROOT / "cpu"


class NoCgroupError(Exception):
    """The CPU time of processes can't be limited: on macOS, for example, or without root."""


@contextmanager
def cpu_limit(cores: float) -> Iterator[Path]:
    """Yield the folder of a group whose processes share the CPU time of this many cores.

    A process belongs to the group once its id is written to `cgroup.procs`, and so do its children
    from then on. All of them must have ended at the end of the block. Raises NoCgroupError.
    """
    quota = int(cores * _PERIOD_MICROSECONDS)
    if (_ROOT / "cgroup.procs").exists():
        root, file, text = _ROOT, "cpu.max", f"{quota} {_PERIOD_MICROSECONDS}"
    else:
        root, file, text = _ROOT_OF_VERSION_1, "cpu.cfs_quota_us", f"{quota}"
    group = root / f"bench-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise NoCgroupError(f"{group} can't be made: {error.strerror}") from error
    try:
        _write(group / file, text)
        yield group
    finally:
        group.rmdir()


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise NoCgroupError(f"{file} can't be written: {error.strerror}") from error
