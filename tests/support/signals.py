"""What a signal to the tests does, however they were started, and to whichever process it comes."""

import contextlib
import signal
from collections.abc import Iterator
from typing import NoReturn

import psutil
import pytest


def pytest_configure() -> None:
    """Let SIGTERM end the tests as Ctrl-C does: servers are stopped and folders removed."""
    signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # The processes of pytest-xdist have servers of their own; others of our children do no harm
    # by ending, too.
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()

    raise KeyboardInterrupt


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> Iterator[None]:
    """Let SIGINT interrupt, as at a terminal: a script's `&` has it ignored, by children too."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
