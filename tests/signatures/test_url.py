"""The URL as Twilio called it, from what a server says."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.signatures.url import called_url, spellings

ANY_TEXT = st.text(st.characters())  # lone surrogates too


def environ(target: str | None = "/callbacks/transcription", **others: str) -> dict[str, Any]:
    """Return what gunicorn makes of a plain request, as far as it tells the URL."""
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
def test_path_and_query_stay_as_they_are(target: str) -> None:
    """The raw target follows the public URL and its prefix without a byte changed."""
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
def test_a_target_never_changes_the_host(target: str, public_url: str | None) -> None:
    """What follows the origin begins with a slash, so no URL of another host verifies as ours."""
    sent = environ(target, HTTP_HOST="app.example.com", HTTP_X_FORWARDED_PROTO="https")
    assert called_url(sent, public_url) == f"https://app.example.com/{target}"


@pytest.mark.parametrize("origin", ["http://other.example", "HTTPS://u:p@[::1]:8443"])
def test_an_absolute_target_is_reduced_to_path_and_query(origin: str) -> None:
    """The origin of an absolute-form target is not what Twilio called."""
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
def test_the_nearest_proxy_tells_the_scheme(claimed: str | None, scheme: str) -> None:
    """Only the last value of X-Forwarded-Proto counts, if it is a scheme of the web."""
    others = {} if claimed is None else {"HTTP_X_FORWARDED_PROTO": claimed}
    assert called_url(environ("/x", **others), None) == f"{scheme}://inside:8000/x"


def test_the_public_url_overrides_every_header() -> None:
    """Where PUBLIC_URL is set, no header of the request changes the origin."""
    hostile = environ("/x", HTTP_X_FORWARDED_PROTO="http", HTTP_HOST="evil.example")
    assert called_url(hostile, "https://app.example.com") == "https://app.example.com/x"


def test_a_missing_host_is_the_servers_name() -> None:
    """A request of HTTP/1.0 may have no Host header."""
    nameless = {"SERVER_NAME": "app.example.com", "wsgi.url_scheme": "https", "RAW_URI": "/x"}
    assert called_url(nameless, None) == "https://app.example.com/x"


def test_another_server_names_the_raw_target_otherwise() -> None:
    """REQUEST_URI serves where RAW_URI is unknown."""
    assert called_url(environ(None, REQUEST_URI="//x?a=%41"), "https://h") == "https://h//x?a=%41"


def test_without_a_raw_target_it_is_rebuilt() -> None:
    """A server that tells decoded paths only has them escaped again, and the query as it is."""
    decoded = environ(None, SCRIPT_NAME="/pre", PATH_INFO="/a b'", QUERY_STRING="c=%41+d")
    assert called_url(decoded, "https://h") == "https://h/pre/a%20b'?c=%41+d"


def test_raw_utf_8_is_read_as_such() -> None:
    """WSGI's latin-1 stands for bytes, which are taken for the UTF-8 that they are."""
    wire = "/é".encode().decode("latin-1")
    assert called_url(environ(wire), "https://h") == "https://h/é"


@settings(deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, st.sampled_from(["RAW_URI", "REQUEST_URI", "PATH_INFO"]))
def test_nothing_that_a_server_says_raises(
    target: str, host: str, scheme: str, variable: str
) -> None:
    """Whatever the environ holds, a URL that has bytes comes out."""
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
def test_the_port_is_tried_both_ways(url: str, other: str) -> None:
    """A port is dropped or the default added, in the authority and nowhere else."""
    assert spellings(url) == [url, other]


def test_quotes_are_tried_both_ways() -> None:
    """A quote in path or query may have been signed raw or escaped."""
    assert {url.removeprefix("http://h:1") for url in spellings("http://h:1/'?%27")} >= {
        "/'?%27",
        "/%27?%27",
        "/'?'",
    }


@settings(deadline=None)
@given(ANY_TEXT)
def test_what_is_no_url_has_one_spelling(text: str) -> None:
    """Of what doesn't begin as an http URL nothing else is tried."""
    assert spellings("x" + text) == ["x" + text]


@settings(deadline=None)
@given(ANY_TEXT)
def test_the_url_itself_is_always_tried(text: str) -> None:
    """The first of few spellings is the URL as given, and none comes twice."""
    url = "https://" + text
    tried = spellings(url)
    assert tried[0] == url
    assert len(set(tried)) == len(tried) <= 6
