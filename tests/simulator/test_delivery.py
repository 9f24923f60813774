"""Delivery: to this machine alone, and within Twilio's patience."""

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
def test_no_other_machine_is_called(url: str) -> None:
    """What isn't an address of this machine is not called at all."""
    told = deliver(url, b"{}", {})
    assert (told.error_code, told.is_retryable) == (17582, False)
    assert not is_deliverable(url)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "ftp://127.0.0.1/", "http://127.0.0.1:x/", "http://[::1", "/path"]
)
def test_what_cannot_be_called_is_invalid(url: str) -> None:
    """The rule: an invalid URL is 17585, and is not tried again."""
    told = deliver(url, b"{}", {})
    assert (told.error_code, told.is_retryable) == (17585, False)
    assert not is_deliverable(url)


def test_text_that_no_url_has_is_invalid(receiver: Receiver) -> None:
    """A URL with other characters than ASCII's is invalid."""
    assert deliver(f"{receiver.url}/é", b"{}", {}).error_code == 17585


def test_localhost_is_this_machine(receiver: Receiver) -> None:
    """A name is as good as an address, if this machine is what it names."""
    url = receiver.url.replace("127.0.0.1", "localhost")
    assert deliver(url, b"{}", {}) == DeliveryResult("204")
    assert is_deliverable(url)


def test_each_address_of_a_name_is_tried(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `localhost` is ::1 first and nobody listens there, 127.0.0.1 is called."""
    resolve = socket.getaddrinfo

    def both(host: str, *arguments: Any, **options: Any) -> list[Any]:
        hosts = ("::1", "127.0.0.1") if host == "localhost" else (host,)
        return [found for each in hosts for found in resolve(each, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    url = receiver.url.replace("127.0.0.1", "localhost")
    assert deliver(url, b"{}", {}) == DeliveryResult("204")


def test_nobody_there_is_tried_again() -> None:
    """The rule: no connection is retried (17582)."""
    told = deliver(f"http://127.0.0.1:{free_port()}/", b"{}", {})
    assert (told.error_code, told.is_retryable) == (17582, True)


def test_no_answer_in_time_is_final(receiver: Receiver) -> None:
    """The rule names answers and lost connections; an answer that is late is neither (17581)."""
    receiver.answers.append(HANG)
    told = deliver(receiver.url, b"{}", {}, timeout_seconds=0.2)
    assert (told.error_code, told.is_retryable) == (17581, False)


def test_twilios_patience() -> None:
    """The rule: 5 seconds to connect, 15 in all."""
    assert (delivery.CONNECT_TIMEOUT_SECONDS, delivery.TOTAL_TIMEOUT_SECONDS) == (5, 15)
