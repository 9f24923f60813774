"""The spool under faults of its own: its disk, crashes in the middle of it, several that drain."""

import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.support.faults.callbacks import LARGEST, USUAL, callback
from tests.support.faults.deployment import Deployment
from tests.support.faults.forms import BOTH_WAYS_AT_LENGTH, LONG_ONLY, Form
from tests.support.faults.restartable import FAST
from tests.support.faults.sender import calling
from tests.support.faults.workers import THREE, kill_one_of_three, workers
from tests.support.postgres import frozen
from tests.support.server import wait_until

# Callbacks on their way at most, or a slow machine would fall behind for ever.
AT_ONCE = 64


def durable(folder: Path) -> dict[str, str]:
    """Return the settings of a spool whose folder outlives the machine, as far as we say so."""
    return {"SPOOL_DIR": str(folder), "SPOOL_DURABLE": "1"}


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file of what is started in the block grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_its_disk_is_full(deployment: Deployment, tmp_path: Path) -> None:
    """What doesn't go onto it is sent again, what does is acknowledged; nothing half is left."""
    spool = tmp_path / "spool"
    with ExitStack() as running:
        with room_for(LARGEST // 2):
            web = running.enter_context(deployment.serve(**durable(spool)))
        sender = running.enter_context(calling(web))
        deployment.postgres.stop(FAST)
        for number in range(16):
            sender.send(callback(number, size=USUAL if number % 4 else LARGEST))
        sender.wait_for_answers()
        left = {path.suffix for path in spool.iterdir()}
        deployment.postgres.start()
        sender.finish()
        deployment.wait_until_stored(sender.deliveries)
    first = [delivery.answers[0] for delivery in sender.deliveries]
    assert first == [503, 204, 204, 204] * 4
    assert ".unfinished" not in left
    deployment.settle("Postgres away, the spool's disk full", sender.deliveries, everything=True)


@LONG_ONLY
def test_its_folder_is_no_folder(deployment: Deployment, tmp_path: Path) -> None:
    """With nowhere to keep a callback it is as if there were no spool: nothing is acknowledged."""
    spool = tmp_path / "spool"
    spool.touch()
    with (
        deployment.serve(**durable(spool)) as web,
        calling(web) as sender,
    ):
        deployment.postgres.stop(FAST)
        for number in range(16):
            sender.send(callback(number))
        sender.wait_for_answers()
        first = {delivery.answers[0] for delivery in sender.deliveries}
        deployment.postgres.start()
    assert first == {503}
    deployment.settle("Postgres away, the spool not writable", sender.deliveries, everything=True)


@LONG_ONLY
def test_what_a_crash_left_half_written(deployment: Deployment, tmp_path: Path) -> None:
    """It stays, and is told; what is whole is moved at the next start, with no command typed."""
    spool = tmp_path / "spool"
    deployment.postgres.stop(FAST)
    with deployment.serve(SPOOL_DIR=str(spool)) as web:
        with calling(web, retries=0) as sender:
            sender.burst([callback(0), callback(1)])
        for process in (web.child.process, *workers(web)):
            process.kill()
    files = sorted(spool.iterdir())
    half = files[0].read_bytes()[:1000]
    files[0].write_bytes(half)
    (spool / "of-another.unfinished").write_bytes(half)
    deployment.postgres.start()
    with deployment.serve(SPOOL_DIR=str(spool)) as web:
        wait_until(partial(deployment.holds, 1))
        wait_until(lambda: files[0].name in web.log.read_text())
        with calling(web) as again:
            again.burst([callback(0), callback(1)])
    assert files[0].read_bytes() == half
    deliveries = sender.deliveries + again.deliveries
    deployment.settle("a spooled file half written", deliveries, everything=True)


@BOTH_WAYS_AT_LENGTH
def test_workers_are_killed_while_they_spool_and_drain(
    deployment: Deployment, form: Form, tmp_path: Path
) -> None:
    """Whichever of them goes, at whichever step, what it acknowledged is on disk."""
    spool = tmp_path / "spool"
    with (
        deployment.serve(WEB_CONCURRENCY=str(THREE), **durable(spool)) as web,
        calling(web, at_once=AT_ONCE) as sender,
    ):
        with sender.load(form.rate):
            deployment.postgres.stop(FAST)
            for turn in range(2 * form.kills):
                sender.wait_for(form.rate)
                if turn == form.kills:
                    deployment.postgres.start()
                kill_one_of_three(web)
        sender.finish()
        # What a worker was killed over is left unfinished; nobody was told that it is kept.
        wait_until(lambda: {path.suffix for path in spool.iterdir()} <= {".unfinished"})
    deployment.settle("workers killed while they spool and drain", sender.deliveries)


@LONG_ONLY
def test_several_workers_drain_at_once(deployment: Deployment, tmp_path: Path) -> None:
    """Each file is moved once, whoever moves it."""
    with (
        deployment.serve(WEB_CONCURRENCY=str(THREE), **durable(tmp_path / "spool")) as web,
        calling(web) as sender,
    ):
        deployment.postgres.stop(FAST)
        sender.burst(map(callback, range(300)))
        deployment.postgres.start()
        deployment.wait_until_stored(sender.deliveries)
        wait_until(lambda: not any((tmp_path / "spool").iterdir()))
    with deployment.connect() as connection:
        deliveries = connection.execute("SELECT DISTINCT deliveries FROM events").fetchall()
    assert deliveries == [(1,)]
    deployment.settle("three workers drain the spool", sender.deliveries, everything=True)


@LONG_ONLY
def test_a_frozen_postgres_is_spooled_for_too(deployment: Deployment, tmp_path: Path) -> None:
    """One that hangs is as good as away: what a durable spool took is acknowledged."""
    with (
        deployment.serve(**durable(tmp_path / "spool")) as web,
        calling(web) as sender,
    ):
        sender.burst(map(callback, range(8)))
        with frozen(deployment.postgres.server):
            sender.burst(map(callback, range(8, 32)))
            sender.burst(map(callback, range(32, 64)))
        deployment.wait_until_stored(sender.deliveries)
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.settle("Postgres frozen, spool: durable", sender.deliveries, everything=True)
