"""The URL: what is none, and what is asked of whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.preflight.errors import ErrorCode, MediaError
from receiver.preflight.media_url import parse_media_url


def refusal(url: str) -> ErrorCode | None:
    """Return the code under which the URL is refused, if it is."""
    try:
        parse_media_url(url)
    except MediaError as failed:
        return failed.issue.code

    return None


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "//media.example/a.wav",
        "/a.wav",
        "ftp://media.example/a.wav",
        "file:///etc/passwd",
        "gopher://media.example/",
        "data:audio/wav;base64,AA",
        "http://",
        "https:///a.wav",
        "http://:80/",
        "http://media.example:99999/",
        "http://media.example:port/",
        "http://[::1/",
        "http://[zz]/",
        "http://a..b/",
        "http://.media.example/",
        "https://media.example/ü.wav",
        "",
        "https://media.example/a b.wav",
        "http://media.example/\r\nX: y",
        "http://a\t.b/",
        f"https://{'a' * 64}.example/",
        f"https://media.example/{'a' * 9000}",
    ],
)
def test_what_is_no_url_is_17550(url: str) -> None:
    """An impossible URL is never asked for."""
    assert refusal(url) == ErrorCode.INVALID_URL


@pytest.mark.parametrize("port", [1, 22, 25, 465, 1023])
def test_no_port_of_another_protocol_is_asked(port: int) -> None:
    """Ports are 80, 443, and from 1024 on, so that nobody makes us speak to a mail server."""
    assert refusal(f"http://media.example:{port}/") == ErrorCode.DOWNLOAD_FAILED


@pytest.mark.parametrize(
    ("url", "host", "port", "header", "path"),
    [
        ("http://Media.Example", "media.example", 80, "media.example", "/"),
        ("https://media.example./a?b=c#d", "media.example", 443, "media.example", "/a?b=c"),
        ("https://media.example:8443/a%20b", "media.example", 8443, "media.example:8443", "/a%20b"),
        ("http://[2606:4700::1111]/a", "2606:4700::1111", 80, "[2606:4700::1111]", "/a"),
        ("http://media.example:/?x", "media.example", 80, "media.example", "/?x"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, header: str, path: str) -> None:
    """Host, port, Host header and request target are the URL's own."""
    target = parse_media_url(url)
    assert (target.host, target.port, target.host_header, target.path) == (host, port, header, path)


def test_a_redirect_is_relative_to_where_it_comes_from() -> None:
    """A Location is joined to the URL, and bytes that should have been escaped are."""
    location = "../b/ü.wav?x=%20".encode().decode("latin-1")
    target = parse_media_url("https://user:pw@media.example:8443/a/c").resolve_redirect(location)
    assert target.url == "https://user:pw@media.example:8443/b/%C3%BC.wav?x=%20"


def test_a_redirect_elsewhere_carries_no_password() -> None:
    """The URL's user and password are for its own host."""
    target = parse_media_url("https://user:pw@media.example/a")
    assert target.authorization == "Basic dXNlcjpwdw=="
    assert target.resolve_redirect("https://other.example/").authorization is None


@given(st.text() | st.builds("http://{}:{}/{}".format, st.text(), st.text(), st.text()))
def test_no_url_raises_anything_else(url: str) -> None:
    """Any text is a target, or is refused."""
    assert refusal(url) in {None, ErrorCode.INVALID_URL, ErrorCode.DOWNLOAD_FAILED}
