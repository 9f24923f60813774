"""URLs of the settings: which are accepted, and which parsers might read differently."""

import pytest

from receiver.settings.urls import parse_url, parse_web_url

_CALLS = "http://127.0.0.1:{}".format


@pytest.mark.parametrize("port", ["1", "80", "65535"])
def test_a_port_is_at_most_65535(port: str) -> None:
    """Ports from 1 to 65535 are accepted."""
    assert parse_url(_CALLS(port)) is not None


@pytest.mark.parametrize("port", ["0", "65536", "99999999", "-1", "http"])
def test_another_port_makes_the_url_invalid(port: str) -> None:
    """0, a port above 65535, a negative one and a name aren't ports."""
    assert parse_url(_CALLS(port)) is None


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
def test_only_a_plain_web_url_is_one(text: str) -> None:
    """Another scheme, no host, a query, a fragment or an unsafe character is rejected."""
    assert parse_web_url(text) is None
