"""Reading bodies: the caps, and that what is taken is given back."""

import io
import subprocess
import sys
from typing import Any

import pytest

from receiver.bodies.reader import (
    REFUSED_BODY_BYTES,
    REFUSED_BYTES,
    UNPROVED_BODY_BYTES,
    UNPROVED_BYTES,
    BodyIncompleteError,
    BodyReader,
    BodyTooLargeError,
    MemoryBudgetError,
)
from receiver.runtime.deadline import Deadline

MAX = 40 * 1024 * 1024  # so that one body takes all the room there is


def _environ(body: bytes, *, promised: int | None = None, chunked: bool = False) -> dict[str, Any]:
    length = {} if chunked else {"CONTENT_LENGTH": str(promised or len(body))}

    return {"wsgi.input": io.BytesIO(body), **length}


@pytest.fixture
def intake() -> BodyReader:
    """Return what a worker has."""
    return BodyReader(max_body_bytes=MAX)


@pytest.mark.parametrize("chunked", [False, True])
def test_the_cap_is_inclusive(*, chunked: bool) -> None:
    """A body of exactly MAX_BODY_BYTES is read whole, one byte more is too large."""
    intake = BodyReader(max_body_bytes=10)
    with intake.reader(_environ(b"x" * 10, chunked=chunked), Deadline(1)) as read:
        assert read(proved=True) == b"x" * 10
    with (
        intake.reader(_environ(b"x" * 11, chunked=chunked), Deadline(1)) as read,
        pytest.raises(BodyTooLargeError),
    ):
        read(proved=True)


def test_a_short_body_is_cut(intake: BodyReader) -> None:
    """Fewer bytes than were promised are no body."""
    with (
        intake.reader(_environ(b"x" * 9, promised=10), Deadline(1)) as read,
        pytest.raises(BodyIncompleteError),
    ):
        read(proved=True)


def _fail_after_reading(intake: BodyReader) -> None:
    with intake.reader(_environ(b"x", chunked=True), Deadline(1)) as read:
        read(proved=True)
        raise KeyError


def test_what_is_taken_is_given_back(intake: BodyReader) -> None:
    """However a request ends, the room is there for the next one."""
    for _ in range(3):
        with intake.reader(_environ(b"x", chunked=True), Deadline(1)) as read:
            assert read(proved=True) == b"x"
        with pytest.raises(KeyError):
            _fail_after_reading(intake)
        with (
            intake.reader(_environ(b"x", promised=MAX), Deadline(1)) as read,
            pytest.raises(BodyIncompleteError),
        ):
            read(proved=True)


def test_who_is_cut_off_holds_nothing() -> None:
    """Under gevent a deadline strikes anywhere, also where room is waited for or given back."""
    command = [sys.executable, "-m", "tests.support.cut_off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["free", "a", "b", "c"], done.stderr


def test_a_full_worker_takes_no_more(intake: BodyReader) -> None:
    """Where other bodies hold all the room until the deadline, the next one isn't read."""
    with intake.reader(_environ(b"x", chunked=True), Deadline(1)) as first:
        first(proved=True)
        with (
            intake.reader(_environ(b"x"), Deadline(0.01)) as read,
            pytest.raises(MemoryBudgetError),
        ):
            read(proved=True)


def test_unproved_bodies_have_little_room_of_their_own(intake: BodyReader) -> None:
    """They are small, and however many there are, a proved one is read."""
    with (
        intake.reader(_environ(b"", promised=UNPROVED_BODY_BYTES + 1), Deadline(1)) as read,
        pytest.raises(BodyTooLargeError),
    ):
        read(proved=False)
    held = []
    for _ in range(UNPROVED_BYTES // UNPROVED_BODY_BYTES):
        reader = intake.reader(_environ(b"x", chunked=True), Deadline(1))
        held.append(reader)
        reader.__enter__()(proved=False)
    with intake.reader(_environ(b"x"), Deadline(0.01)) as read, pytest.raises(MemoryBudgetError):
        read(proved=False)
    with intake.reader(_environ(b"x"), Deadline(0.01)) as read:
        assert read(proved=True) == b"x"
    for reader in held:
        reader.__exit__(None, None, None)


def test_one_signature_holds_room_for_one_body(intake: BodyReader) -> None:
    """Whoever sends a captured head again and again keeps nobody else's body waiting."""
    captured = {"HTTP_X_TWILIO_SIGNATURE": "seen"}
    with intake.reader(_environ(b"x") | captured, Deadline(1)) as first:
        assert first(proved=True) == b"x"
        with (
            intake.reader(_environ(b"x") | captured, Deadline(0.01)) as again,
            pytest.raises(MemoryBudgetError),
        ):
            again(proved=True)
        with intake.reader(_environ(b"y"), Deadline(1)) as other:
            assert other(proved=True) == b"y"
    with intake.reader(_environ(b"x") | captured, Deadline(1)) as later:
        assert later(proved=True) == b"x"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_refused_body_is_read_to_its_end_or_not_kept(*, chunked: bool) -> None:
    """The cap is inclusive, and what is cut short is what came."""
    intake = BodyReader(max_body_bytes=50_000)
    with intake.refused(_environ(b"x" * 50_000, chunked=chunked)) as body:
        assert body == b"x" * 50_000
    with (
        pytest.raises(BodyTooLargeError),
        intake.refused(_environ(b"x" * 50_001, chunked=chunked)),
    ):
        pass
    with intake.refused(_environ(b"x" * 9, promised=10)) as body:
        assert body == b"x" * 9


def test_refused_bodies_hold_what_has_come_of_them(intake: BodyReader) -> None:
    """Promises take no room; where there is no more, nothing waits, and a proved body is read."""
    held = []
    for _ in range(REFUSED_BYTES // REFUSED_BODY_BYTES):
        reader = intake.refused(_environ(b"x" * REFUSED_BODY_BYTES))
        held.append(reader)
        reader.__enter__()
    with pytest.raises(MemoryBudgetError), intake.refused(_environ(b"x")):
        pass
    with intake.reader(_environ(b"x"), Deadline(0.01)) as read:
        assert read(proved=True) == b"x"
    held.pop().__exit__(None, None, None)
    few = _environ(b"x", promised=REFUSED_BODY_BYTES)
    with intake.refused(few), intake.refused(_environ(b"y")) as body:
        assert body == b"y"
    for reader in held:
        reader.__exit__(None, None, None)
