"""The figures of an attack: how callbacks were answered before, during and after it."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import psycopg

from tests.support.faults.sender import Delivery

# The bound for callbacks during an attack: the median against that before it, and the worst one.
MEDIAN_FACTOR = 2
MEDIAN_EXTRA_SECONDS = 0.1
WORST_SECONDS = 2.0


@dataclass(frozen=True)
class Phases:
    """The callbacks that were sent before, during and after an attack."""

    before: Sequence[Delivery]
    during: Sequence[Delivery]
    after: Sequence[Delivery]

    @property
    def all(self) -> list[Delivery]:
        """Return all of them."""
        return [*self.before, *self.during, *self.after]


@dataclass(frozen=True, kw_only=True)
class AttackFigures:
    """The answers to the callbacks, and how many are stored.

    `before`, `during` and `after` are the median and the longest attempt in milliseconds.
    `unavailable` (5xx) and `unanswered` (no answer) count attempts. `is_bounded` says whether
    callbacks during the attack kept the bound. `effect` is what the attack's own clients got.
    """

    attack: str
    size: str
    before: str
    during: str
    after: str
    sent: int
    acknowledged: int
    unavailable: int
    unanswered: int
    stored: int
    is_bounded: bool
    effect: str


def figures(attack: str, size: str, phases: Phases, database: str, effect: str) -> AttackFigures:
    """Return the figures of the attack."""
    answers = [answer for delivery in phases.all for answer in delivery.answers]

    return AttackFigures(
        attack=attack,
        size=size,
        before=_describe(phases.before),
        during=_describe(phases.during),
        after=_describe(phases.after),
        sent=len(phases.all),
        acknowledged=sum(delivery.is_acknowledged for delivery in phases.all),
        unavailable=sum(isinstance(answer, int) and answer >= 500 for answer in answers),
        unanswered=sum(isinstance(answer, str) for answer in answers),
        stored=_count_stored(phases.all, database),
        is_bounded=_is_bounded(phases),
        effect=effect,
    )


def _seconds(deliveries: Sequence[Delivery]) -> list[float]:
    return [delivery.slowest_seconds for delivery in deliveries]


def _describe(deliveries: Sequence[Delivery]) -> str:
    seconds = _seconds(deliveries)

    return f"{median(seconds) * 1000:.0f} / {max(seconds) * 1000:.0f}"


def _is_bounded(phases: Phases) -> bool:
    during = _seconds(phases.during)
    median_bound = MEDIAN_FACTOR * median(_seconds(phases.before)) + MEDIAN_EXTRA_SECONDS

    return (
        all(delivery.answers == [204] for delivery in phases.during)
        and median(during) <= median_bound
        and max(during) < WORST_SECONDS
    )


def _count_stored(deliveries: Sequence[Delivery], database: str) -> int:
    """Return how many of the callbacks are in the ledger, byte for byte."""
    digests = [hashlib.sha256(delivery.body).digest() for delivery in deliveries]
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT body FROM events WHERE sha256 = ANY(%s)", [digests])
        stored = {bytes(body) for (body,) in rows}

    return len(stored & {delivery.body for delivery in deliveries})


def to_attack_property(row: AttackFigures) -> tuple[str, dict[str, Any]]:
    """Return the figures as a property of a test report, which pytest-xdist can transfer."""
    return "attack", asdict(row)
