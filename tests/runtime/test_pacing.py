"""Tests of pacing: what waits in the event loop comes before the paced work."""

import gevent

from receiver.runtime.pacing import Pacer, paced


def test_paced_items_are_the_same() -> None:
    """All items are yielded in their order, and there is a pause after every few."""
    pauses: list[None] = []
    assert list(paced(range(1000), lambda: pauses.append(None))) == list(range(1000))
    assert 1 < len(pauses) < 1000


def test_ready_work_comes_before_paced_work() -> None:
    """A pause lasts until work that needs several rounds of the event loop has ended."""
    pacer = Pacer()
    steps: list[str] = []

    def callback() -> None:
        for _ in range(10):
            gevent.sleep(0)
            steps.append("callback")

    def reader() -> None:
        pacer.pause_if_due()
        steps.append("reader")

    gevent.joinall([gevent.spawn(reader), gevent.spawn(callback)])
    assert steps == ["callback"] * 10 + ["reader"]


def test_pause_ends_if_there_is_always_other_work() -> None:
    """A pause ends even if the event loop never becomes idle."""
    pacer = Pacer()
    has_ended: list[bool] = []

    def callbacks() -> None:
        while not has_ended:
            gevent.sleep(0)

    def reader() -> None:
        pacer.pause_if_due()
        has_ended.append(True)

    gevent.joinall([gevent.spawn(callbacks), gevent.spawn(reader)], timeout=30, raise_error=True)
    assert has_ended
