"""Tests of reading bodies: the limits, and the release of memory."""

import io
import subprocess
import sys
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

from receiver.bodies.memory_budget import MemoryBudgetError
from receiver.bodies.reader import (
    MIN_UNPROVED_BYTES,
    REJECTED_BODY_BYTES,
    REJECTED_BYTES,
    UNPROVED_BODY_BYTES,
    UNPROVED_BYTES,
    BodyIncompleteError,
    BodyReader,
    BodyTooLargeError,
)
from receiver.runtime.deadline import Deadline

MAX_BODY_BYTES = 40 * 1024 * 1024  # one such body takes the whole budget


def _environ(body: bytes, *, promised: int | None = None, chunked: bool = False) -> dict[str, Any]:
    length = {} if chunked else {"CONTENT_LENGTH": str(promised or len(body))}

    return {"wsgi.input": io.BytesIO(body), **length}


@pytest.fixture
def reader() -> BodyReader:
    """Return a worker's reader."""
    return BodyReader(max_body_bytes=MAX_BODY_BYTES)


def _read(
    reader: BodyReader, environ: dict[str, Any], *, seconds: float = 1, is_proved: bool = True
) -> AbstractContextManager[bytes]:
    return reader.read(environ, Deadline(seconds), is_proved=is_proved)


@pytest.mark.parametrize("chunked", [False, True])
def test_body_limit_is_inclusive(*, chunked: bool) -> None:
    """A body of exactly the limit is read whole, and one byte more is too large."""
    reader = BodyReader(max_body_bytes=10)
    with _read(reader, _environ(b"x" * 10, chunked=chunked)) as body:
        assert body == b"x" * 10
    with pytest.raises(BodyTooLargeError), _read(reader, _environ(b"x" * 11, chunked=chunked)):
        pass


def test_incomplete_body_raises_error(reader: BodyReader) -> None:
    """A body with fewer bytes than promised raises an error."""
    with pytest.raises(BodyIncompleteError), _read(reader, _environ(b"x" * 9, promised=10)):
        pass


def test_memory_is_released_after_each_request(reader: BodyReader) -> None:
    """A request releases its memory, however it ends."""
    for _ in range(3):
        with _read(reader, _environ(b"x", chunked=True)) as body:
            assert body == b"x"
        with pytest.raises(KeyError), _read(reader, _environ(b"x", chunked=True)):
            raise KeyError
        with (
            pytest.raises(BodyIncompleteError),
            _read(reader, _environ(b"x", promised=MAX_BODY_BYTES)),
        ):
            pass


def test_deadline_leaves_no_memory_reserved() -> None:
    """A deadline that interrupts a reservation or a release leaves no memory reserved."""
    command = [sys.executable, "-m", "tests.support.interrupted_reservations"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["free", "a", "b", "c"], done.stderr


def test_full_budget_blocks_reading(reader: BodyReader) -> None:
    """A body isn't read if other bodies fill the budget until the deadline."""
    with (
        _read(reader, _environ(b"x", chunked=True)),
        pytest.raises(MemoryBudgetError),
        _read(reader, _environ(b"x"), seconds=0.01),
    ):
        pass


def test_unproved_bodies_have_a_separate_budget(reader: BodyReader) -> None:
    """Unproved bodies are limited by a small budget of their own, and don't delay proved ones."""
    large = _environ(b"", promised=UNPROVED_BODY_BYTES + 1)
    with pytest.raises(BodyTooLargeError), _read(reader, large, is_proved=False):
        pass
    with ExitStack() as bodies:
        for _ in range(UNPROVED_BYTES // UNPROVED_BODY_BYTES):
            bodies.enter_context(_read(reader, _environ(b"x", chunked=True), is_proved=False))
        with (
            pytest.raises(MemoryBudgetError),
            _read(reader, _environ(b"x"), seconds=0.01, is_proved=False),
        ):
            pass
        with _read(reader, _environ(b"x"), seconds=0.01) as body:
            assert body == b"x"


def test_number_of_unproved_bodies_is_limited(reader: BodyReader) -> None:
    """A worker reads a limited number of unproved bodies at a time, however small they are."""
    with ExitStack() as bodies:
        for _ in range(UNPROVED_BYTES // MIN_UNPROVED_BYTES):
            bodies.enter_context(_read(reader, _environ(b"x"), is_proved=False))
        with (
            pytest.raises(MemoryBudgetError),
            _read(reader, _environ(b"x"), seconds=0.01, is_proved=False),
        ):
            pass


def test_one_signature_reserves_memory_once(reader: BodyReader) -> None:
    """A captured request that is sent repeatedly doesn't delay other bodies."""
    captured = {"HTTP_X_TWILIO_SIGNATURE": "seen"}
    with _read(reader, _environ(b"x") | captured) as first:
        assert first == b"x"
        with (
            pytest.raises(MemoryBudgetError),
            _read(reader, _environ(b"x") | captured, seconds=0.01),
        ):
            pass
        with _read(reader, _environ(b"y")) as other:
            assert other == b"y"
    with _read(reader, _environ(b"x") | captured) as later:
        assert later == b"x"


@pytest.mark.parametrize("chunked", [False, True])
def test_rejected_body_limit_is_inclusive(*, chunked: bool) -> None:
    """A rejected body of exactly the limit is read, and an incomplete one as far as it arrived."""
    reader = BodyReader(max_body_bytes=50_000)
    with reader.read_rejected(_environ(b"x" * 50_000, chunked=chunked)) as body:
        assert body == b"x" * 50_000
    with (
        pytest.raises(BodyTooLargeError),
        reader.read_rejected(_environ(b"x" * 50_001, chunked=chunked)),
    ):
        pass
    with reader.read_rejected(_environ(b"x" * 9, promised=10)) as body:
        assert body == b"x" * 9


def test_rejected_bodies_reserve_memory_as_they_arrive(reader: BodyReader) -> None:
    """Rejected bodies reserve memory only for received bytes, never wait, and delay no others."""
    full = [
        _environ(b"x" * REJECTED_BODY_BYTES) for _ in range(REJECTED_BYTES // REJECTED_BODY_BYTES)
    ]
    with ExitStack() as bodies:
        for environ in full[1:]:
            bodies.enter_context(reader.read_rejected(environ))
        with (
            reader.read_rejected(full[0]),
            pytest.raises(MemoryBudgetError),
            reader.read_rejected(_environ(b"x")),
        ):
            pass
        with _read(reader, _environ(b"x"), seconds=0.01) as body:
            assert body == b"x"
        short = _environ(b"x", promised=REJECTED_BODY_BYTES)
        with reader.read_rejected(short), reader.read_rejected(_environ(b"y")) as body:
            assert body == b"y"
