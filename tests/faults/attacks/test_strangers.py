"""Attacks by clients without a key, or with a wrong one."""

import pytest

from tests.faults.attacks.conftest import Survive, Target
from tests.support.faults.attack import Attack, clients
from tests.support.faults.profiles import LONG_ONLY

ATTACKS = [
    Attack("unread bodies in chunks of one byte", "8 clients", clients("one_byte_chunks", 8)),
    Attack("heads with 99 fields of 8 kB", "300 connections", clients("large_heads", 300)),
    Attack("wrong keys", "32 clients", clients("wrong_keys", 32, path="/v3/Transcriptions")),
    Attack("forged callbacks", "64 clients", clients("forged_callbacks", 64)),
    Attack("busy kept connections", "400 clients", clients("busy_connections", 400)),
]
LONG_ATTACKS = [
    Attack("unread bodies, fast", "4 clients", clients("fast_bodies", 4)),
    Attack("heads sent slowly", "500 connections", clients("slow_heads", 500)),
    Attack("forms that don't verify", "500 clients", clients("forms", 500)),
    Attack("forged callbacks, more", "500 clients", clients("forged_callbacks", 500)),
    Attack("forms without their body", "500 clients", clients("silent_forms", 500)),
    Attack("/readyz without a key", "300 clients", clients("keyless", 300, path="/readyz")),
    Attack(
        "/openapi.json without a key", "64 clients", clients("keyless", 64, path="/openapi.json")
    ),
]


@pytest.mark.parametrize(
    "attack",
    [*ATTACKS, *(pytest.param(attack, marks=LONG_ONLY) for attack in LONG_ATTACKS)],
    ids=lambda attack: attack.name,
)
def test_strangers_delay_no_callback(target: Target, withstand: Survive, attack: Attack) -> None:
    """Callbacks are answered in time while clients without a key do their worst."""
    withstand(target, attack)
