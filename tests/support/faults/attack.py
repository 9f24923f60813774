"""An attack on a running service, while callbacks arrive at a steady rate."""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.support.faults.attack_figures import AttackFigures, Phases, figures
from tests.support.faults.callbacks import callback
from tests.support.faults.profiles import Profile
from tests.support.faults.sender import Delivery, Sender, make_sender
from tests.support.paths import ROOT
from tests.support.server import WebServer

CALLBACKS_PER_SECOND = 10
# Longer than an attack's clients need to end.
_END_TIMEOUT_SECONDS = 30
# After an attack the next one waits for this many fast answers in turn.
_FAST_COUNT = 5
_FAST_SECONDS = 0.25
_RECOVERY_TIMEOUT_SECONDS = 60


@dataclass
class Effect:
    """What an attack achieved; known only when it has ended."""

    text: str = ""


@dataclass(frozen=True)
class Attack:
    """An attack: its name, its size, and a context in which it runs."""

    name: str
    size: str
    run: Callable[[WebServer], AbstractContextManager[Effect]] = field(repr=False)


def clients(name: str, count: int, **options: Any) -> Callable[..., AbstractContextManager[Effect]]:
    """Return an attack by this many clients that run the function `name` of the attackers."""

    @contextmanager
    def run(web: WebServer) -> Iterator[Effect]:
        module = "tests.support.faults.attackers"
        arguments = [name, str(web.port), str(count), json.dumps(options)]
        with subprocess.Popen(
            ["nice", sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            effect = Effect()
            try:
                assert process.stdout
                assert process.stdout.readline() == "started\n"
                yield effect
            finally:
                process.terminate()
                output, _ = process.communicate(timeout=_END_TIMEOUT_SECONDS)
            answers = json.loads(output)
            effect.text = ", ".join(f"{key}: {answers[key]}" for key in sorted(answers))

    return run


def measure(web: WebServer, database: str, attack: Attack, profile: Profile) -> AttackFigures:
    """Send callbacks before, during and after the attack, and return how they were answered.

    The attack lasts until each callback that was sent during it has an answer.
    """
    numbers = itertools.count(time.time_ns() // 1_000_000)  # of jobs that no other attack had
    _wait_until_idle(web)
    with make_sender(web) as sender:
        before = _send_steadily(sender, numbers, profile.idle_seconds)
        with attack.run(web) as effect:
            during = _send_steadily(sender, numbers, profile.attack_seconds)
            sender.wait_for_answers()
        after = _send_steadily(sender, numbers, profile.idle_seconds)

    return figures(attack.name, attack.size, Phases(before, during, after), database, effect.text)


def _wait_until_idle(web: WebServer) -> None:
    """Wait until the attack before this one has no effect any more, but not for ever."""
    give_up_at = time.monotonic() + _RECOVERY_TIMEOUT_SECONDS
    fast_count = 0
    while fast_count < _FAST_COUNT and time.monotonic() < give_up_at:
        start = time.monotonic()
        with suppress(requests.ConnectionError, requests.Timeout):
            web.get("/readyz")
        fast_count = fast_count + 1 if time.monotonic() - start < _FAST_SECONDS else 0


def _send_steadily(sender: Sender, numbers: Iterator[int], seconds: float) -> list[Delivery]:
    """Send callbacks for this long, whatever the answers; return those that were sent."""
    sent_before = len(sender.deliveries)
    start = time.monotonic()
    for count in range(int(seconds * CALLBACKS_PER_SECOND)):
        time.sleep(max(0.0, start + count / CALLBACKS_PER_SECOND - time.monotonic()))
        sender.send(callback(next(numbers)))
    sender.wait_for_answers()

    return sender.deliveries[sent_before:]
