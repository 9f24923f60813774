"""Settings of the simulation: injected faults, and how long each step takes."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Delays:
    """The durations of a job's steps, in seconds."""

    pending: float = 1.0  # until the job is RUNNING
    running: float = 3.0  # then, until it has ended
    conversation: float = 3.0  # then, until its transcript is stored in the conversation
    retries: tuple[float, ...] = (1.0, 2.0, 4.0)  # before each retry of a callback


@dataclass(frozen=True, kw_only=True)
class Faults:
    """The shares, from 0 to 1, of callbacks and requests with a fault."""

    lost: float = 0.0  # callbacks that are never sent
    duplicated: float = 0.0  # callbacks that are sent twice
    reordered: float = 0.0  # callbacks that are delayed, so that later ones overtake them
    reordered_seconds: float = 5.0  # the longest of these delays
    late: float = 0.0  # callbacks that are sent much later
    late_seconds: float = 60.0
    busy: float = 0.0  # requests that are answered 429
    broken: float = 0.0  # requests that are answered 500, after they were executed or not
