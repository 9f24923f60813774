"""Attacks by clients that wait for changes: as many as a worker lets wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.store.changes.watcher import MAX_WAITING
from tests.faults.attacks.conftest import SETTINGS, Survive, Target
from tests.faults.conftest import run_deployment
from tests.support.faults.attack import Attack, clients
from tests.support.faults.attackers.waits import LATE
from tests.support.faults.profiles import Profile

ATTACK = Attack("clients wait for changes", f"{MAX_WAITING} clients", clients("waits", MAX_WAITING))


@pytest.fixture
def target(postgres_folder: Path, tmp_path: Path) -> Iterator[Target]:
    """Yield a service with one worker."""
    with (
        run_deployment(postgres_folder, tmp_path) as deployment,
        deployment.serve(**SETTINGS | {"WEB_CONCURRENCY": "1"}) as web,
    ):
        yield Target(deployment, web)


def test_change_reaches_all_clients_in_time(
    target: Target, withstand: Survive, profile: Profile
) -> None:
    """A change reaches as many clients as a worker lets wait, and they delay no callback."""
    row = withstand(target, ATTACK)
    assert f"{LATE}: 0" in row.effect or not profile.is_bound_checked
