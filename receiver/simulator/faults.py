"""Settings of the simulation: how long each step takes, and which faults are injected."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Delays:
    """How long each step of a job takes, in seconds."""

    pending: float = 1.0  # from its creation until it is RUNNING
    running: float = 3.0  # from then until it has ended
    conversation: float = 3.0  # from then until its transcript is stored in the conversation
    retries: tuple[float, ...] = (1.0, 2.0, 4.0)  # before each retry of a callback


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Which share of the callbacks and requests has each fault, from 0 to 1."""

    lost: float = 0.0  # callbacks that are never sent
    duplicated: float = 0.0  # callbacks that are sent twice
    reordered: float = 0.0  # callbacks that are delayed, so that later ones overtake them
    reordered_seconds: float = 5.0  # the longest of these delays
    late: float = 0.0  # callbacks that are sent much later
    late_seconds: float = 60.0  # how much later
    busy: float = 0.0  # requests that are answered 429
    broken: float = 0.0  # requests that are answered 500, after they were executed or not
