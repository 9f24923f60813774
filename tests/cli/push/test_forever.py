"""Tests of `push --forever` as a process: what it sends, and how it ends."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from dev.process import Child
from tests.support.command_process import command_process
from tests.support.push_receiver import PushReceiver, Reply, serve_push_receiver
from tests.support.pushing import end_leases, find_state
from tests.support.stored_callbacks import callback, record_callback
from tests.support.waiting import wait_until

ORDERS = "orders"


@contextmanager
def _pushing(environ: dict[str, str], engine: Engine, log: Path) -> Iterator[Child]:
    """Run the process, until all endpoints have started and the block ends."""
    with command_process(environ, log, "push", "--forever") as child:
        wait_until(lambda: find_state(engine, ORDERS) is not None)
        yield child


def test_dead_endpoint_delays_no_other(
    environ: dict[str, str], engine: Engine, receiver: PushReceiver, tmp_path: Path
) -> None:
    """While one endpoint doesn't answer, another one gets everything.

    At SIGTERM, the process waits for the end of the attempt, stores it, and ends its claims.
    """
    with serve_push_receiver(
        Reply(hangs=True), secrets=(b"another secret of 32 bytes......",)
    ) as dead:
        both = {
            name: f"{text},{dead.environ('dead')[name]}"
            for name, text in receiver.environ().items()
        }
        with _pushing(environ | both, engine, tmp_path / "log") as child:
            wait_until(lambda: find_state(engine, "dead") is not None)
            record_callback(engine, callback("job0"))
            dead.wait_for(1)
            receiver.wait_for(1)
            record_callback(engine, callback("job1"))
            receiver.wait_for(2)
            assert len(dead.attempts) == 1
            child.process.send_signal(signal.SIGTERM)
            dead.released.set()
            assert child.process.wait(20) == 0
    states = [find_state(engine, name) for name in (ORDERS, "dead")]
    assert [state and (state.failures, state.is_claimed) for state in states] == [
        (0, False),
        (1, False),
    ]


def test_killed_process_loses_nothing(
    environ: dict[str, str], engine: Engine, receiver: PushReceiver, tmp_path: Path
) -> None:
    """After SIGKILL during an attempt, another process sends that change again, and the rest.

    It logs what it sent, and exits with 0 at SIGTERM.
    """
    log = tmp_path / "log"
    receiver.replies.append(Reply(hangs=True))
    with _pushing(environ, engine, log) as child:
        for job in ("job0", "job1"):
            record_callback(engine, callback(job))
        receiver.wait_for(1)
        child.process.kill()
        child.process.wait(20)
    end_leases(engine)
    with _pushing(environ, engine, log) as child:
        attempts = receiver.wait_for(3)
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(20) == 0
    [line] = [json.loads(line) for line in log.read_text().splitlines()]
    assert (line["message"], line["endpoint"], line["delivered"]) == (
        "changes were sent",
        ORDERS,
        2,
    )
    assert receiver.errors == []
    assert [each.message["data"]["id"] for each in attempts] == ["job0", "job0", "job1"]
    assert attempts[0].id == attempts[1].id
    sequences = [each.message["sequence"] for each in attempts]
    assert sequences == sorted(set(sequences))
