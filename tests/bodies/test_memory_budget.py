"""Tests of the order in which bodies get memory, and of how many may wait for it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from receiver.bodies.memory_budget import (
    MAX_WAITING_PER_HOLDER,
    MemoryBudget,
    MemoryBudgetError,
)
from receiver.runtime.deadline import Deadline


def test_released_memory_is_given_to_those_that_wait() -> None:
    """All bodies get their memory in time, and never more of it is held than there is."""
    budget = MemoryBudget(10, 10)
    held: list[int] = []
    most: list[int] = []

    def hold(number: int) -> None:
        with budget.reserve(4, Deadline(30), f"holder {number}"):
            held.append(number)
            most.append(len(held))
            held.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, range(200)))
    assert len(most) == 200
    assert max(most) <= 2


@pytest.mark.parametrize("holder", ["", "a signature"])
def test_few_requests_of_one_holder_wait(holder: str) -> None:
    """A few requests of one holder wait for memory, further ones fail at once; others may wait."""
    budget = MemoryBudget(1, 1)
    failed_at_once = threading.Event()
    errors: list[bool] = []

    def reserve(name: str) -> None:
        try:
            with budget.reserve(1, Deadline(30), name):
                pass
        except MemoryBudgetError:
            errors.append(True)
            failed_at_once.set()

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(MAX_WAITING_PER_HOLDER + 2))
        with budget.reserve(1, Deadline(0), holder):
            for _ in range(MAX_WAITING_PER_HOLDER + 1):
                pool.submit(reserve, holder)
            assert failed_at_once.wait(30)
            pool.submit(reserve, "another")
    assert errors == [True]
