"""Measures CPU time: the cost of a callback, even while other programs use the machine."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from bench.service import Running

# The CPU seconds that each process has used, by process id.
_CpuSecondsByPid = dict[int, float]


@dataclass(frozen=True, kw_only=True)
class CpuSeconds:
    """CPU seconds of the web workers and of Postgres."""

    web: float
    postgres: float


class Meter:
    """Measures the CPU time of a service's workers and its Postgres from now on."""

    def __init__(self, service: Running) -> None:
        self._workers = service.workers()
        self._postmaster = psutil.Process(service.database.server.pid) if service.database else None
        self._web, self._postgres = _read(self._workers), _read(self._backends())

    def spent(self) -> CpuSeconds:
        """Return the CPU time since then; processes that started or ended are not counted."""
        return CpuSeconds(
            web=_difference(self._web, _read(self._workers)),
            postgres=_difference(self._postgres, _read(self._backends())),
        )

    def _backends(self) -> Iterable[psutil.Process]:
        return self._postmaster.children() if self._postmaster else []


def _read(processes: Iterable[psutil.Process]) -> _CpuSecondsByPid:
    used = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[process.pid] = times.user + times.system

    return used


def _difference(before: _CpuSecondsByPid, now: _CpuSecondsByPid) -> float:
    return sum(now[pid] - before[pid] for pid in before.keys() & now.keys())
