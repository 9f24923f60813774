"""Attacks on what the service needs: its database, the reader of its log, its processor."""

from functools import partial
from pathlib import Path

from tests.faults.attacks.conftest import SETTINGS, Survive, Target
from tests.support.environment import open_engine
from tests.support.faults import damage
from tests.support.faults.attack import Attack
from tests.support.faults.callbacks import callback
from tests.support.faults.profiles import LONG_ONLY
from tests.support.faults.sender import make_sender
from tests.support.full_pipe import read_end
from tests.support.retention import seed
from tests.support.server import web_server

# Two workers with four each.
MAX_CONNECTIONS = 8
REBUILT_COUNT = 2000
# Removing them takes longer than the attack.
EXPIRED_COUNT = 60_000


def test_locked_jobs_delay_no_other_job(target: Target, withstand: Survive) -> None:
    """Callbacks are answered in time while the rows of sixty other jobs are locked."""
    run = partial(damage.locked_jobs, target.deployment)
    withstand(target, Attack("rows of other jobs locked", "60 jobs", run))


@LONG_ONLY
def test_stalled_standby_exceeds_no_budget(target: Target, survive: Survive) -> None:
    """A standby that doesn't confirm costs no callback, and no more connections than allowed."""
    run = partial(damage.stalled_standby, target.deployment)
    row = survive(target, Attack("a stalled synchronous standby", "1 standby", run))
    assert int(row.effect.split()[0]) <= MAX_CONNECTIONS


@LONG_ONLY
def test_unread_log_delays_no_callback(target: Target, withstand: Survive, tmp_path: Path) -> None:
    """Callbacks are answered in time while the log's pipe is full."""
    pipe = tmp_path / "pipe"
    with (
        read_end(pipe),
        web_server(target.deployment.service_url, pipe, **SETTINGS) as web,
    ):
        run = partial(damage.unread_log, pipe)
        withstand(Target(target.deployment, web), Attack("an unread log", "a full pipe", run))


@LONG_ONLY
def test_rebuild_delays_no_callback(target: Target, withstand: Survive) -> None:
    """Callbacks are answered in time while `rebuild` runs."""
    with make_sender(target.web, max_concurrent=32) as sender:
        sender.burst(callback(600_000_000 + number) for number in range(REBUILT_COUNT))
    run = partial(damage.commands, target.deployment, "rebuild", lambda: None)
    withstand(target, Attack("rebuild", f"{REBUILT_COUNT} jobs", run))


@LONG_ONLY
def test_retention_delays_no_callback(target: Target, withstand: Survive) -> None:
    """Callbacks are answered in time while `retain` removes bodies and jobs."""
    with open_engine(target.deployment.database) as engine:
        seed(engine, EXPIRED_COUNT, days=100)
    settings = {"RETAIN_BODIES_DAYS": "30", "RETAIN_METADATA_DAYS": "60"}
    run = partial(damage.commands, target.deployment, "retain", lambda: None, settings=settings)
    withstand(target, Attack("retain", f"{EXPIRED_COUNT} jobs", run))


@LONG_ONLY
def test_search_of_everything_delays_no_callback(target: Target, withstand: Survive) -> None:
    """Callbacks are answered in time while `erase verify` searches all bodies."""
    run = partial(damage.commands, target.deployment, "erase verify nobody", lambda: None)
    withstand(target, Attack("erase verify", "all bodies", run))
