"""Processor time: what a callback costs whether or not others keep the machine busy meanwhile."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from bench.service import Running

# Of each process, the seconds that it has used.
_Used = dict[int, float]


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Seconds of processor time."""

    web: float
    postgres: float


class Meter:
    """Reads what a service's workers and its Postgres use from now on."""

    def __init__(self, service: Running) -> None:
        self._workers = service.workers()
        self._postmaster = psutil.Process(service.database.server.pid) if service.database else None
        self._web, self._postgres = _used(self._workers), _used(self._backends())

    def spent(self) -> Spent:
        """Return what has been used since; who came or went in between isn't counted."""
        return Spent(
            web=_since(self._web, _used(self._workers)),
            postgres=_since(self._postgres, _used(self._backends())),
        )

    def _backends(self) -> Iterable[psutil.Process]:
        return self._postmaster.children() if self._postmaster else []


def _used(processes: Iterable[psutil.Process]) -> _Used:
    used = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[process.pid] = times.user + times.system

    return used


def _since(before: _Used, now: _Used) -> float:
    return sum(now[pid] - before[pid] for pid in before.keys() & now.keys())
