"""Tests of the URL that Twilio called, as it is derived from the WSGI environ."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.signatures.url import called_url, spellings

ANY_TEXT = st.text(st.characters())  # lone surrogates too


def environ(target: str | None = "/callbacks/transcription", **others: str) -> dict[str, Any]:
    """Return the parts of gunicorn's WSGI environ that describe the URL."""
    parts = {"RAW_URI": target, "HTTP_HOST": "inside:8000", "wsgi.url_scheme": "http", **others}

    return {name: value for name, value in parts.items() if value is not None}


@pytest.mark.parametrize(
    "target",
    [
        "/callbacks/transcription?b=2&a=1&&x",
        "//callbacks//transcription/",
        "/callbacks/%74ranscription?a=%2f%2F+'%27#x",
        "/callbacks/transcription?",
        "/?next=https://example.com/",
    ],
)
def test_path_and_query_are_unchanged(target: str) -> None:
    """The raw target follows the public URL and its prefix without a changed byte."""
    assert called_url(environ(target), "https://a.example/pre") == "https://a.example/pre" + target


@pytest.mark.parametrize(
    "target",
    [
        ".evil.example/callbacks/transcription?a=b",
        "@evil.example/callbacks/transcription",
        ":8443/callbacks/transcription",
        ".evil.example/callbacks/transcription?next=https://app.example.com",
        "x/https://other.example/callbacks/transcription",
        "?a=http://x/",
    ],
)
@pytest.mark.parametrize("public_url", ["https://app.example.com", None])
def test_target_does_not_change_the_host(target: str, public_url: str | None) -> None:
    """A target that isn't a path gets a slash in front, so it can't change the host."""
    request = environ(target, HTTP_HOST="app.example.com", HTTP_X_FORWARDED_PROTO="https")
    assert called_url(request, public_url) == f"https://app.example.com/{target}"


@pytest.mark.parametrize("origin", ["http://other.example", "HTTPS://u:p@[::1]:8443"])
def test_absolute_target_is_reduced_to_path_and_query(origin: str) -> None:
    """The origin of an absolute target is replaced by the public URL."""
    called = called_url(environ(f"{origin}//callbacks?a=http://x/"), "https://app.example.com")
    assert called == "https://app.example.com//callbacks?a=http://x/"


@pytest.mark.parametrize(
    ("claimed", "scheme"),
    [
        (None, "http"),
        ("", "http"),
        ("https", "https"),
        ("HTTPS ", "https"),
        ("https, http", "http"),
        ("http,https", "https"),
        ("javascript", "http"),
        ("https, x", "http"),
    ],
)
def test_last_forwarded_proto_is_the_scheme(claimed: str | None, scheme: str) -> None:
    """The last value of X-Forwarded-Proto is the scheme, if it is http or https."""
    others = {} if claimed is None else {"HTTP_X_FORWARDED_PROTO": claimed}
    assert called_url(environ("/x", **others), None) == f"{scheme}://inside:8000/x"


def test_public_url_overrides_headers() -> None:
    """No header changes the origin if PUBLIC_URL is set."""
    hostile = environ("/x", HTTP_X_FORWARDED_PROTO="http", HTTP_HOST="evil.example")
    assert called_url(hostile, "https://app.example.com") == "https://app.example.com/x"


def test_server_name_replaces_missing_host() -> None:
    """The server's name replaces a missing Host header, which HTTP/1.0 allows."""
    nameless = {"SERVER_NAME": "app.example.com", "wsgi.url_scheme": "https", "RAW_URI": "/x"}
    assert called_url(nameless, None) == "https://app.example.com/x"


def test_request_uri_replaces_raw_uri() -> None:
    """REQUEST_URI is used if the server doesn't set RAW_URI."""
    assert called_url(environ(None, REQUEST_URI="//x?a=%41"), "https://h") == "https://h//x?a=%41"


def test_missing_raw_target_is_rebuilt() -> None:
    """A missing raw target is rebuilt from the decoded path and the query."""
    decoded = environ(None, SCRIPT_NAME="/pre", PATH_INFO="/a b'", QUERY_STRING="c=%41+d")
    assert called_url(decoded, "https://h") == "https://h/pre/a%20b'?c=%41+d"


def test_raw_utf_8_is_decoded() -> None:
    """Raw UTF-8 bytes in the target, which WSGI passes as latin-1, are decoded as UTF-8."""
    wire = "/é".encode().decode("latin-1")
    assert called_url(environ(wire), "https://h") == "https://h/é"


@settings(deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, st.sampled_from(["RAW_URI", "REQUEST_URI", "PATH_INFO"]))
def test_any_environ_gives_a_url(target: str, host: str, scheme: str, variable: str) -> None:
    """Any environ gives a URL that can be encoded."""
    hostile = {variable: target, "HTTP_HOST": host, "HTTP_X_FORWARDED_PROTO": scheme}
    assert called_url(hostile, None).encode()


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("https://h/x", "https://h:443/x"),
        ("http://h/x", "http://h:80/x"),
        ("https://h:443/x", "https://h/x"),
        ("https://h:8443?x", "https://h?x"),
        ("https://h:", "https://h"),
        ("HTTPS://H.example", "HTTPS://H.example:443"),
        ("https://user:pw@h/x", "https://user:pw@h:443/x"),
        ("https://user:8443@h:1/x", "https://user:8443@h/x"),
        ("http://[::1]/x:1", "http://[::1]:80/x:1"),
        ("http://[::8443]:8443/x", "http://[::8443]/x"),
        ("https://h/@b:1", "https://h:443/@b:1"),
    ],
)
def test_port_is_tried_both_ways(url: str, other: str) -> None:
    """A port is removed or the default port added, only in the URL's authority."""
    assert list(spellings(url)) == [url, other]


def test_quotes_are_tried_both_ways() -> None:
    """A quote in path or query is tried raw and escaped."""
    assert {url.removeprefix("http://h:1") for url in spellings("http://h:1/'?%27")} >= {
        "/'?%27",
        "/%27?%27",
        "/'?'",
    }


@settings(deadline=None)
@given(ANY_TEXT)
def test_other_text_has_one_spelling(text: str) -> None:
    """A text that doesn't begin like an http URL has only one spelling."""
    assert list(spellings("x" + text)) == ["x" + text]


@settings(deadline=None)
@given(ANY_TEXT)
def test_unchanged_url_is_tried_first(text: str) -> None:
    """The unchanged URL is the first of at most sixteen distinct spellings."""
    url = "https://" + text
    candidates = list(spellings(url))
    assert candidates[0] == url
    assert len(set(candidates)) == len(candidates) <= 16
