"""The delivery of callbacks: to this machine only, and within Twilio's timeouts."""

import socket
from typing import Any

import pytest

from receiver.simulator import delivery
from receiver.simulator.delivery import DeliveryResult, deliver, is_deliverable
from tests.support.server import free_port
from tests.support.simulator.callback_receiver import HANG, Receiver


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/callbacks",
        "http://[2001:db8::1]/callbacks",
        "http://127.0.0.1@192.0.2.1/callbacks",
        "http://nowhere.invalid/callbacks",
        "http:///callbacks",
    ],
)
def test_other_machine_is_not_called(url: str) -> None:
    """The simulator opens no connection to an address of another machine."""
    result = deliver(url, b"{}", {})
    assert (result.error_code, result.is_retryable) == (17582, False)
    assert not is_deliverable(url)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "ftp://127.0.0.1/", "http://127.0.0.1:x/", "http://[::1", "/path"]
)
def test_invalid_url_is_17585(url: str) -> None:
    """The rule: an invalid URL is 17585, and is not retried."""
    result = deliver(url, b"{}", {})
    assert (result.error_code, result.is_retryable) == (17585, False)
    assert not is_deliverable(url)


def test_url_with_other_characters_is_invalid(receiver: Receiver) -> None:
    """A URL with characters outside ASCII is invalid."""
    assert deliver(f"{receiver.url}/é", b"{}", {}).error_code == 17585


def test_localhost_is_this_machine(receiver: Receiver) -> None:
    """A host name is accepted if it resolves to this machine."""
    url = receiver.url.replace("127.0.0.1", "localhost")
    assert deliver(url, b"{}", {}) == DeliveryResult("204")
    assert is_deliverable(url)


def test_each_address_is_tried(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """If `localhost` is ::1 first and no server listens there, the simulator calls 127.0.0.1."""
    resolve = socket.getaddrinfo

    def resolve_both(host: str, *arguments: Any, **options: Any) -> list[Any]:
        hosts = ("::1", "127.0.0.1") if host == "localhost" else (host,)
        return [info for each in hosts for info in resolve(each, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_both)
    url = receiver.url.replace("127.0.0.1", "localhost")
    assert deliver(url, b"{}", {}) == DeliveryResult("204")


def test_refused_connection_is_retryable() -> None:
    """The rule: a refused connection is retried (17582)."""
    result = deliver(f"http://127.0.0.1:{free_port()}/", b"{}", {})
    assert (result.error_code, result.is_retryable) == (17582, True)


def test_timeout_is_final(receiver: Receiver) -> None:
    """The rule: Twilio retries statuses and lost connections, not timeouts (17581)."""
    receiver.answers.append(HANG)
    result = deliver(receiver.url, b"{}", {}, timeout_seconds=0.2)
    assert (result.error_code, result.is_retryable) == (17581, False)


def test_timeouts_are_twilios() -> None:
    """The rule: 5 seconds to connect, 15 in total."""
    assert (delivery.CONNECT_TIMEOUT_SECONDS, delivery.TOTAL_TIMEOUT_SECONDS) == (5, 15)
