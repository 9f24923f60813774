"""Trouble: how much goes wrong on purpose, and how long things take."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Delays:
    """How long each part of a job's life takes, in seconds."""

    pending: float = 1.0  # until it is RUNNING
    running: float = 3.0  # from there until it is over
    conversation: float = 3.0  # from there until the transcript is stored in its conversation
    retries: tuple[float, ...] = (1.0, 2.0, 4.0)  # before each further attempt of a callback


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Shares from 0 to 1, of callbacks and of requests, that meet with trouble."""

    lost: float = 0.0  # callbacks that are never sent
    duplicated: float = 0.0  # callbacks that are sent twice
    reordered: float = 0.0  # callbacks that are held back for others to overtake
    reordered_seconds: float = 5.0
    late: float = 0.0  # callbacks that come long after
    late_seconds: float = 60.0
    busy: float = 0.0  # requests that are answered 429
    broken: float = 0.0  # requests that are answered 500, whether they were carried out or not
