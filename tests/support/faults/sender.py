"""A sender of callbacks with Twilio's patience, and Twilio's rule of what it tries again."""

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

from tests.support.faults.callbacks import LARGEST, USUAL, callback
from tests.support.server import WebServer

# Twilio's defaults, in seconds: for the connection, and for everything together.
CONNECT_SECONDS = 5
TOTAL_SECONDS = 15
RETRIES = 3
# Besides 5xx. Any other 4xx is final.
TRIED_AGAIN = (408, 425, 429)

MOST_AT_ONCE = 256
# Of a steady load every such callback is of the largest size.
_LARGE_EVERY = 50


class NoAnswerError(enum.StrEnum):
    """Why there is no status."""

    REFUSED = "no connection"
    LOST = "connection lost"
    LATE = "no answer in time"


Answer = int | NoAnswerError


@dataclass
class Delivery:
    """One body, and what came of each attempt to deliver it."""

    body: bytes
    answers: list[Answer] = field(default_factory=list)
    slowest: float = 0.0  # seconds, of one attempt

    @property
    def acknowledged(self) -> bool:
        """Whether the sender takes it for delivered."""
        return any(isinstance(answer, int) and 200 <= answer < 300 for answer in self.answers)


def is_tried_again(answer: Answer) -> bool:
    """Tell whether Twilio tries again: 5xx, 408, 425, 429, no connection, a connection lost.

    Of an answer that comes too late nobody promises it; so it is final here.
    """
    if isinstance(answer, NoAnswerError):
        return answer is not NoAnswerError.LATE

    return answer >= 500 or answer in TRIED_AGAIN


def attempt(port: int, request: bytes, *, patience: float = TOTAL_SECONDS) -> Answer:
    """Send the raw request once, and return the answer's status."""
    end = time.monotonic() + patience
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=CONNECT_SECONDS)
    except OSError:
        return NoAnswerError.REFUSED
    with connection:
        try:
            return _exchange(connection, request, end)
        except TimeoutError:
            return NoAnswerError.LATE
        except OSError:
            return NoAnswerError.LOST


def _exchange(connection: socket.socket, request: bytes, end: float) -> Answer:
    connection.settimeout(max(0.001, end - time.monotonic()))
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        connection.settimeout(max(0.001, end - time.monotonic()))
        part = connection.recv(65536)
        if not part:
            return NoAnswerError.LOST
        answer += part

    return int(answer.split(b" ", 2)[1])


class Sender:
    """Delivers bodies, many at a time, and keeps what came of each."""

    def __init__(
        self,
        port: int,
        sign: Callable[[bytes], bytes],
        *,
        pause: float = 1.0,
        patience: float = TOTAL_SECONDS,
        retries: int = RETRIES,
        at_once: int = MOST_AT_ONCE,
    ) -> None:
        """Send to `port` what `sign` makes of a body: the request's raw head.

        Between two attempts it waits `pause` seconds, then twice as long, and so on: Twilio's own
        spacing is unknown. It waits `patience` seconds for an answer, and lets go
        after `retries` more attempts. `at_once` callbacks are on their way at most.
        """
        self.deliveries: list[Delivery] = []
        self._port = port
        self._sign = sign
        self._pause = pause
        self._patience = patience
        self._retries = retries
        self._pool = ThreadPoolExecutor(at_once)
        self._free = threading.BoundedSemaphore(at_once)
        self._given_up = threading.Event()
        self._told = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self._given_up.set()
        self.finish()

    def finish(self) -> None:
        """Wait until the last delivery's end."""
        self._pool.shutdown()

    def send(self, body: bytes) -> Future[None]:
        """Deliver `body` in the background, as soon as there is a thread for it."""
        self._free.acquire()
        self.deliveries.append(delivery := Delivery(body))
        future = self._pool.submit(self._deliver, delivery)
        future.add_done_callback(lambda _: self._free.release())

        return future

    def burst(self, bodies: Iterable[bytes]) -> None:
        """Deliver them all at once, and wait until the last one's end."""
        for future in [self.send(body) for body in bodies]:
            future.result()

    @contextmanager
    def load(self, rate: float) -> Iterator[None]:
        """Send `rate` new callbacks per second until the block ends, however they are answered."""
        ended = threading.Event()

        def feed() -> None:
            for number in itertools.count(len(self.deliveries) + 1):
                if ended.wait(1 / rate):  # the load's pace
                    return
                self.send(callback(number, size=USUAL if number % _LARGE_EVERY else LARGEST))

        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            yield
        finally:
            ended.set()
            feeder.join()

    def wait_for(self, more: int) -> None:
        """Wait until `more` callbacks than now are acknowledged."""
        enough = self._acknowledged() + more
        self._wait(lambda: self._acknowledged() >= enough)

    def wait_for_answers(self) -> None:
        """Wait until each callback sent so far was answered once, or lost."""
        until_now = list(self.deliveries)
        self._wait(lambda: all(delivery.answers for delivery in until_now))

    def _acknowledged(self) -> int:
        return sum(delivery.acknowledged for delivery in list(self.deliveries))

    def _wait(self, condition: Callable[[], bool]) -> None:
        with self._told:
            assert self._told.wait_for(condition, 60)

    def _deliver(self, delivery: Delivery) -> None:
        request = self._sign(delivery.body) + delivery.body
        for retry in range(self._retries + 1):
            if retry and self._given_up.wait(self._pause * 2 ** (retry - 1)):
                return
            start = time.monotonic()
            answer = attempt(self._port, request, patience=self._patience)
            delivery.slowest = max(delivery.slowest, time.monotonic() - start)
            with self._told:
                delivery.answers.append(answer)
                self._told.notify_all()
            if not is_tried_again(answer):
                return


def calling(web: WebServer, **options: Any) -> Sender:
    """Return a sender of callbacks to the service, with a Sender's options."""
    return Sender(web.port, web.head_of_call, **options)


@contextmanager
def load(web: WebServer, rate: float, **options: Any) -> Iterator[Sender]:
    """Yield a sender that sends so many callbacks per second to the service, until the end."""
    with calling(web, **options) as sender, sender.load(rate):
        yield sender
