"""Tests of the spool's faults: a full disk, crashes, and several processes that drain."""

import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.support.faults.callbacks import LARGEST_BYTES, USUAL_BYTES, callback
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import LONG_ONLY, POOLED_IN_LONG_PROFILE, Profile
from tests.support.faults.restartable import FAST
from tests.support.faults.sender import make_sender
from tests.support.faults.workers import WORKER_COUNT, kill_any_worker, workers
from tests.support.postgres import frozen
from tests.support.waiting import wait_until

# A slow machine couldn't keep up with more concurrent callbacks.
MAX_CONCURRENT = 64


def durable_spool(folder: Path) -> dict[str, str]:
    """Return the settings of a spool that is declared durable."""
    return {"SPOOL_DIR": str(folder), "SPOOL_DURABLE": "1"}


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Limit the files of processes that are started in this context to `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_loses_nothing(deployment: Deployment, tmp_path: Path) -> None:
    """A callback that doesn't fit on a full disk is retried, and leaves no partial file."""
    spool = tmp_path / "spool"
    with ExitStack() as stack:
        with file_size_limit(LARGEST_BYTES // 2):
            web = stack.enter_context(deployment.serve(**durable_spool(spool)))
        sender = stack.enter_context(make_sender(web))
        deployment.postgres.stop(FAST)
        for number in range(16):
            sender.send(callback(number, size=USUAL_BYTES if number % 4 else LARGEST_BYTES))
        sender.wait_for_answers()
        suffixes = {path.suffix for path in spool.iterdir()}
        deployment.postgres.start()
        sender.finish()
        deployment.wait_until_stored(sender.deliveries)
    first = [delivery.answers[0] for delivery in sender.deliveries]
    assert first == [503, 204, 204, 204] * 4
    assert ".unfinished" not in suffixes
    deployment.check_stored(
        "Postgres unavailable, the spool's disk full", sender.deliveries, all_stored=True
    )


@LONG_ONLY
def test_unusable_folder_acknowledges_nothing(deployment: Deployment, tmp_path: Path) -> None:
    """An unusable folder has the same result as no spool: nothing is acknowledged."""
    spool = tmp_path / "spool"
    spool.touch()
    with (
        deployment.serve(**durable_spool(spool)) as web,
        make_sender(web) as sender,
    ):
        deployment.postgres.stop(FAST)
        for number in range(16):
            sender.send(callback(number))
        sender.wait_for_answers()
        first = {delivery.answers[0] for delivery in sender.deliveries}
        deployment.postgres.start()
    assert first == {503}
    deployment.check_stored(
        "Postgres unavailable, the spool not writable", sender.deliveries, all_stored=True
    )


@LONG_ONLY
def test_partial_file_after_crash_stays(deployment: Deployment, tmp_path: Path) -> None:
    """A partial file stays after a crash and is logged, and complete files are moved."""
    spool = tmp_path / "spool"
    deployment.postgres.stop(FAST)
    with deployment.serve(SPOOL_DIR=str(spool)) as web:
        with make_sender(web, max_retries=0) as sender:
            sender.burst([callback(0), callback(1)])
        for process in (web.child.process, *workers(web)):
            process.kill()
    files = sorted(spool.iterdir())
    partial_file = files[0].read_bytes()[:1000]
    files[0].write_bytes(partial_file)
    (spool / "other.unfinished").write_bytes(partial_file)
    deployment.postgres.start()
    with deployment.serve(SPOOL_DIR=str(spool)) as web:
        wait_until(partial(deployment.has_events, 1))
        wait_until(lambda: files[0].name in web.log.read_text())
        with make_sender(web) as again:
            again.burst([callback(0), callback(1)])
    assert files[0].read_bytes() == partial_file
    deliveries = sender.deliveries + again.deliveries
    deployment.check_stored("a partial file in the spool", deliveries, all_stored=True)


@POOLED_IN_LONG_PROFILE
def test_killed_workers_lose_nothing_from_the_spool(
    deployment: Deployment, profile: Profile, tmp_path: Path
) -> None:
    """Workers that are killed while they spool and drain lose no acknowledged callback."""
    spool = tmp_path / "spool"
    with (
        deployment.serve(WEB_CONCURRENCY=str(WORKER_COUNT), **durable_spool(spool)) as web,
        make_sender(web, max_concurrent=MAX_CONCURRENT) as sender,
    ):
        with sender.load(profile.callbacks_per_second):
            deployment.postgres.stop(FAST)
            for round_number in range(2 * profile.kill_count):
                sender.wait_for(profile.callbacks_per_second)
                if round_number == profile.kill_count:
                    deployment.postgres.start()
                kill_any_worker(web)
        sender.finish()
        # A killed worker leaves unfinished files, which were never acknowledged.
        wait_until(lambda: {path.suffix for path in spool.iterdir()} <= {".unfinished"})
    deployment.check_stored("workers killed while they spool and drain", sender.deliveries)


@LONG_ONLY
def test_several_workers_move_each_file_once(deployment: Deployment, tmp_path: Path) -> None:
    """Several workers drain at the same time and move each file once."""
    with (
        deployment.serve(
            WEB_CONCURRENCY=str(WORKER_COUNT), **durable_spool(tmp_path / "spool")
        ) as web,
        make_sender(web) as sender,
    ):
        deployment.postgres.stop(FAST)
        sender.burst(map(callback, range(300)))
        deployment.postgres.start()
        deployment.wait_until_stored(sender.deliveries)
        wait_until(lambda: not any((tmp_path / "spool").iterdir()))
    with deployment.connect() as connection:
        deliveries = connection.execute("SELECT DISTINCT deliveries FROM events").fetchall()
    assert deliveries == [(1,)]
    deployment.check_stored("three workers drain the spool", sender.deliveries, all_stored=True)


@LONG_ONLY
def test_frozen_postgres_is_spooled_for(deployment: Deployment, tmp_path: Path) -> None:
    """A durable spool acknowledges callbacks while Postgres hangs."""
    with (
        deployment.serve(**durable_spool(tmp_path / "spool")) as web,
        make_sender(web) as sender,
    ):
        sender.burst(map(callback, range(8)))
        with frozen(deployment.postgres.server):
            sender.burst(map(callback, range(8, 32)))
            sender.burst(map(callback, range(32, 64)))
        deployment.wait_until_stored(sender.deliveries)
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.check_stored("Postgres frozen, spool: durable", sender.deliveries, all_stored=True)
