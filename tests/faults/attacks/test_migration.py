"""Migrations beside the service."""

from functools import partial

from tests.faults.attacks.conftest import Survive, Target
from tests.support.faults import damage
from tests.support.faults.attack import Attack
from tests.support.faults.profiles import LONG_ONLY, Profile
from tests.support.faults.seeds import seed_jobs

# The next migration creates indexes of a large table, and can be repeated.
OLD_VERSION = "0005"


@LONG_ONLY
def test_migration_delays_no_callback(target: Target, withstand: Survive, profile: Profile) -> None:
    """Callbacks are answered in time while `migrate` creates indexes."""
    deployment = target.deployment
    seed_jobs(deployment.database, profile.row_count)

    def reset_version() -> None:
        with deployment.connect() as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [OLD_VERSION])

    run = partial(damage.commands, deployment, "migrate", reset_version)
    withstand(target, Attack("migrate", f"{profile.row_count} jobs", run))
