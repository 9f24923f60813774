"""The parser of a mediaUrl: what it refuses, and which host and path it returns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.preflight.errors import ErrorCode, MediaError
from receiver.preflight.media_url import parse_media_url


def error_code(url: str) -> ErrorCode | None:
    """Return the code of the error for this URL, None if there is no error."""
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
def test_invalid_url_is_17550(url: str) -> None:
    """An invalid URL is error 17550 and is never requested."""
    assert error_code(url) == ErrorCode.INVALID_URL


@pytest.mark.parametrize("port", [1, 22, 25, 465, 1023])
def test_port_of_another_protocol_is_refused(port: int) -> None:
    """The ports are 80, 443, and from 1024 on, so that no URL can address a mail server."""
    assert error_code(f"http://media.example:{port}/") == ErrorCode.DOWNLOAD_FAILED


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
def test_url_is_parsed(url: str, host: str, port: int, header: str, path: str) -> None:
    """The parser returns the URL's host, port, Host header and request target."""
    target = parse_media_url(url)
    assert (target.host, target.port, target.host_header, target.path) == (host, port, header, path)


def test_redirect_is_resolved_against_the_url() -> None:
    """The parser joins a Location to the URL, and escapes bytes that should have been escaped."""
    location = "../b/ü.wav?x=%20".encode().decode("latin-1")
    target = parse_media_url("https://user:pw@media.example:8443/a/c").resolve_redirect(location)
    assert target.url == "https://user:pw@media.example:8443/b/%C3%BC.wav?x=%20"


def test_redirect_to_another_host_has_no_password() -> None:
    """The URL's user and password are not sent to another host."""
    target = parse_media_url("https://user:pw@media.example/a")
    assert target.authorization == "Basic dXNlcjpwdw=="
    assert target.resolve_redirect("https://other.example/").authorization is None


@given(st.text() | st.builds("http://{}:{}/{}".format, st.text(), st.text(), st.text()))
def test_any_text_raises_only_media_errors(url: str) -> None:
    """Any text is a valid target or one of two errors."""
    assert error_code(url) in {None, ErrorCode.INVALID_URL, ErrorCode.DOWNLOAD_FAILED}
