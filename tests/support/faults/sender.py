"""A sender of callbacks with Twilio's timeouts and retry rule."""

import enum
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from tests.support.faults.callbacks import LARGEST_BYTES, USUAL_BYTES, callback
from tests.support.server import WebServer

# Twilio's default timeouts: for the connection, and for the whole request.
CONNECT_TIMEOUT_SECONDS = 5
TOTAL_TIMEOUT_SECONDS = 15
MAX_RETRIES = 3
# Besides 5xx. Any other 4xx is final.
RETRIED_STATUSES = (408, 425, 429)

MAX_CONCURRENT = 256
# In a steady load, one in this many callbacks has the largest size.
_LARGE_INTERVAL = 50


class NoAnswer(enum.StrEnum):
    """The reason why an attempt has no status."""

    CONNECTION_REFUSED = "no connection"
    CONNECTION_LOST = "connection lost"
    TIMED_OUT = "no answer in time"


Answer = int | NoAnswer


@dataclass
class Delivery:
    """One body, and the answers to the attempts to deliver it."""

    body: bytes
    answers: list[Answer] = field(default_factory=list)
    slowest_seconds: float = 0.0  # of one attempt

    @property
    def is_acknowledged(self) -> bool:
        """Return whether a 2xx was received."""
        return any(isinstance(answer, int) and 200 <= answer < 300 for answer in self.answers)


def _is_retried(answer: Answer) -> bool:
    """Return whether Twilio retries: after 5xx, 408, 425, 429, no connection, a lost connection.

    Twilio promises no retry after a late answer, so a late answer is final here.
    """
    if isinstance(answer, NoAnswer):
        return answer is not NoAnswer.TIMED_OUT

    return answer >= 500 or answer in RETRIED_STATUSES


def _send_once(
    port: int, request: bytes, *, timeout_seconds: float = TOTAL_TIMEOUT_SECONDS
) -> Answer:
    """Send the raw request once, and return the answer."""
    end = time.monotonic() + timeout_seconds
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=CONNECT_TIMEOUT_SECONDS)
    except OSError:
        return NoAnswer.CONNECTION_REFUSED
    with connection:
        try:
            return _exchange(connection, request, end)
        except TimeoutError:
            return NoAnswer.TIMED_OUT
        except OSError:
            return NoAnswer.CONNECTION_LOST


def _exchange(connection: socket.socket, request: bytes, end: float) -> Answer:
    connection.settimeout(max(0.001, end - time.monotonic()))
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        connection.settimeout(max(0.001, end - time.monotonic()))
        part = connection.recv(65536)
        if not part:
            return NoAnswer.CONNECTION_LOST
        answer += part

    return int(answer.split(b" ", 2)[1])


class Sender:
    """Delivers many bodies at a time, and records the answers."""

    def __init__(
        self,
        port: int,
        sign: Callable[[bytes], bytes],
        *,
        pause_seconds: float = 1.0,
        timeout_seconds: float = TOTAL_TIMEOUT_SECONDS,
        max_retries: int = MAX_RETRIES,
        max_concurrent: int = MAX_CONCURRENT,
    ) -> None:
        """Send bodies to `port`; `sign` returns the raw head of a body's request.

        The pause before a retry doubles each time, because Twilio's own schedule is unknown. An
        attempt ends after `timeout_seconds`, and a delivery after `max_retries` retries. At most
        `max_concurrent` deliveries run at a time.
        """
        self.deliveries: list[Delivery] = []
        self._port = port
        self._sign = sign
        self._pause_seconds = pause_seconds
        self._timeout_seconds = timeout_seconds
        self._max_retries = max_retries
        self._pool = ThreadPoolExecutor(max_concurrent)
        self._slots = threading.BoundedSemaphore(max_concurrent)
        self._aborted = threading.Event()
        self._answered = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_class: type[BaseException] | None, *_: object) -> None:
        if error_class:
            self._aborted.set()
        self.finish()

    def finish(self) -> None:
        """Wait until the last delivery has ended."""
        self._pool.shutdown()

    def send(self, body: bytes) -> Future[None]:
        """Deliver `body` in the background, as soon as a thread is free."""
        self._slots.acquire()
        self.deliveries.append(delivery := Delivery(body))
        future = self._pool.submit(self._deliver, delivery)
        future.add_done_callback(lambda _: self._slots.release())

        return future

    def burst(self, bodies: Iterable[bytes]) -> None:
        """Deliver the bodies concurrently, and wait until the last delivery has ended."""
        for future in [self.send(body) for body in bodies]:
            future.result()

    @contextmanager
    def load(self, callbacks_per_second: float) -> Iterator[None]:
        """Send this many new callbacks per second in this context, whatever the answers."""
        is_finished = threading.Event()

        def send_load() -> None:
            for number in itertools.count(len(self.deliveries) + 1):
                if is_finished.wait(1 / callbacks_per_second):  # the interval of the load
                    return
                self.send(
                    callback(
                        number, size=USUAL_BYTES if number % _LARGE_INTERVAL else LARGEST_BYTES
                    )
                )

        thread = threading.Thread(target=send_load)
        thread.start()
        try:
            yield
        finally:
            is_finished.set()
            thread.join()

    def wait_for(self, more: int) -> None:
        """Wait until `more` additional callbacks are acknowledged."""
        target_count = self._acknowledged_count() + more
        self._wait_until(lambda: self._acknowledged_count() >= target_count)

    def wait_for_answers(self) -> None:
        """Wait until each callback sent so far has an answer or a failed attempt."""
        sent = list(self.deliveries)
        self._wait_until(lambda: all(delivery.answers for delivery in sent))

    def _acknowledged_count(self) -> int:
        return sum(delivery.is_acknowledged for delivery in list(self.deliveries))

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        with self._answered:
            assert self._answered.wait_for(condition, 60)

    def _deliver(self, delivery: Delivery) -> None:
        request = self._sign(delivery.body) + delivery.body
        for retry in range(self._max_retries + 1):
            if retry and self._aborted.wait(self._pause_seconds * 2 ** (retry - 1)):
                return
            start = time.monotonic()
            answer = _send_once(self._port, request, timeout_seconds=self._timeout_seconds)
            delivery.slowest_seconds = max(delivery.slowest_seconds, time.monotonic() - start)
            with self._answered:
                delivery.answers.append(answer)
                self._answered.notify_all()
            if not _is_retried(answer):
                return


def make_sender(web: WebServer, **options: Any) -> Sender:
    """Return a sender of callbacks to the service, with the options of Sender."""
    return Sender(web.port, web.head_of_call, **options)


@contextmanager
def load(web: WebServer, callbacks_per_second: float, **options: Any) -> Iterator[Sender]:
    """Yield a sender that sends this many callbacks per second to the service."""
    with make_sender(web, **options) as sender, sender.load(callbacks_per_second):
        yield sender
