"""Tests of a long outage of Postgres, without a spool and with both kinds of spool."""

import time
from contextlib import ExitStack

from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import POOLED_IN_LONG_PROFILE, Profile
from tests.support.faults.restartable import FAST
from tests.support.faults.sender import Sender, make_sender

# The load on each deployment.
CALLBACKS_PER_SECOND = 4
# The longest time for an answer while Postgres is unavailable.
RESPONSE_TIMEOUT_SECONDS = 10

SPOOL_SETTINGS: dict[str, dict[str, str]] = {
    "none": {},
    "ephemeral": {"SPOOL_DIR": "{folder}"},
    "durable": {"SPOOL_DIR": "{folder}", "SPOOL_DURABLE": "1"},
}


@POOLED_IN_LONG_PROFILE
def test_long_outage_loses_no_acknowledged_callback(
    deployment: Deployment, profile: Profile
) -> None:
    """A long outage loses no acknowledged callback, and with a spool no callback at all."""
    with ExitStack() as stack:
        deployments: dict[str, tuple[Deployment, Sender]] = {}
        load_stack = stack.enter_context(ExitStack())
        for name, settings in SPOOL_SETTINGS.items():
            deployed = deployment.with_database(name)
            folder = str(deployment.folder / name)
            spool_settings = {key: value.format(folder=folder) for key, value in settings.items()}
            web = stack.enter_context(deployed.serve(**spool_settings))
            sender = stack.enter_context(make_sender(web, timeout_seconds=RESPONSE_TIMEOUT_SECONDS))
            load_stack.enter_context(sender.load(CALLBACKS_PER_SECOND))
            deployments[name] = deployed, sender
        for _, sender in deployments.values():
            sender.wait_for(CALLBACKS_PER_SECOND)
        deployment.postgres.stop(FAST)
        sent = {name: len(sender.deliveries) for name, (_, sender) in deployments.items()}
        time.sleep(profile.long_outage_seconds)  # the outage
        for name, (_, sender) in deployments.items():
            acknowledged = any(each.is_acknowledged for each in sender.deliveries[sent[name] :])
            assert acknowledged == (name == "durable")
        deployment.postgres.start()
        for _, sender in deployments.values():
            sender.wait_for(CALLBACKS_PER_SECOND)
        load_stack.close()
        for _, sender in deployments.values():
            sender.finish()
        for name, (deployed, sender) in deployments.items():
            has_spool = name != "none"
            if has_spool:
                deployed.wait_until_stored(sender.deliveries)
            deployed.check_stored(
                f"{profile.long_outage_seconds:.0f} s unavailable, spool: {name}",
                sender.deliveries,
                all_stored=has_spool,
            )
    durable = deployments["durable"][1]
    assert {answer for delivery in durable.deliveries for answer in delivery.answers} == {204}
