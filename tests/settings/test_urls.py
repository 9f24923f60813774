"""Tests of the parsers of URLs."""

import pytest

from receiver.settings.urls import parse_url, parse_web_url

_URL_WITH_PORT = "http://127.0.0.1:{}".format


@pytest.mark.parametrize("port", ["1", "80", "65535"])
def test_valid_port_is_accepted(port: str) -> None:
    """A port from 1 to 65535 is accepted."""
    assert parse_url(_URL_WITH_PORT(port)) is not None


@pytest.mark.parametrize("port", ["0", "65536", "99999999", "-1", "http"])
def test_invalid_port_is_rejected(port: str) -> None:
    """A URL whose port is 0, above 65535, negative or a name is rejected."""
    assert parse_url(_URL_WITH_PORT(port)) is None


@pytest.mark.parametrize(
    "text",
    [
        "HTTP://app.example",  # a signature covers the scheme as it is written
        "ftp://app.example",
        "http://",
        "http://:80",
        "http://app.example?",
        "http://app.example#",
        "http://app.example\\@other.example@third.example",
        "http://app.example/\t",
    ],
)
def test_unsafe_web_url_is_rejected(text: str) -> None:
    """A URL with another scheme, no host, a query, a fragment or an unsafe letter is rejected."""
    assert parse_web_url(text) is None
