"""Postgres is away for long, with and without a spool: the three promises, side by side."""

import time
from contextlib import ExitStack

from tests.support.faults.deployment import Deployment
from tests.support.faults.forms import BOTH_WAYS_AT_LENGTH, Form
from tests.support.faults.restartable import FAST
from tests.support.faults.sender import Sender, calling

# Callbacks per second.
RATE = 4
# In seconds: what an answer may take in all while Postgres is away.
PATIENCE = 10

MODES: dict[str, dict[str, str]] = {
    "none": {},
    "ephemeral": {"SPOOL_DIR": "{folder}"},
    "durable": {"SPOOL_DIR": "{folder}", "SPOOL_DURABLE": "1"},
}


@BOTH_WAYS_AT_LENGTH
def test_postgres_is_away_for_long(deployment: Deployment, form: Form) -> None:
    """Without a spool nothing acknowledged is missing; with one nothing that was ever sent is.

    And with a durable one no callback is answered with anything but 204. Nobody types a command.
    """
    with ExitStack() as running:
        modes: dict[str, tuple[Deployment, Sender]] = {}
        loads = running.enter_context(ExitStack())
        for name, settings in MODES.items():
            there = deployment.sibling(name)
            folder = str(deployment.folder / name)
            chosen = {key: value.format(folder=folder) for key, value in settings.items()}
            web = running.enter_context(there.serve(**chosen))
            sender = running.enter_context(calling(web, patience=PATIENCE))
            loads.enter_context(sender.load(RATE))
            modes[name] = there, sender
        for _, sender in modes.values():
            sender.wait_for(RATE)
        deployment.postgres.stop(FAST)
        sent = {name: len(sender.deliveries) for name, (_, sender) in modes.items()}
        time.sleep(form.outage)  # how long it is away
        for name, (_, sender) in modes.items():
            acknowledged = any(each.acknowledged for each in sender.deliveries[sent[name] :])
            assert acknowledged == (name == "durable")
        deployment.postgres.start()
        for _, sender in modes.values():
            sender.wait_for(RATE)
        loads.close()
        for _, sender in modes.values():
            sender.finish()
        for name, (there, sender) in modes.items():
            spooled = name != "none"
            if spooled:
                there.wait_until_stored(sender.deliveries)
            there.settle(
                f"{form.outage:.0f} s away, spool: {name}", sender.deliveries, everything=spooled
            )
    durable = modes["durable"][1]
    assert {answer for delivery in durable.deliveries for answer in delivery.answers} == {204}
