"""Tests of DATABASE_URL and PUBLIC_URL."""

import pytest

from receiver.settings.config import load
from tests.support.config import VALID, config_errors


@pytest.mark.parametrize(
    "url",
    [
        "calls",
        "mysql://user:pass@db/calls",
        "postgres://user:pass@db",
        "postgres://user:pass@db/",
        "postgres://user:pa#ss@db/calls",
        "postgres://user:pa@ss@db/calls",
        "postgres://user:pa ss@db/calls",
        "postgres://db:port/calls",
        "postgres://db:0/calls",
        "postgres://[db/calls",
    ],
)
def test_invalid_database_url_is_rejected(url: str) -> None:
    """A database URL with another scheme, no database or a bare `#`, `@` or space is rejected."""
    (error,) = config_errors(DATABASE_URL=url)

    assert error.startswith("DATABASE_URL is not a Postgres URL")


@pytest.mark.parametrize(
    "url", ["postgres://db/calls", "postgresql://db/calls", "POSTGRES://db/calls"]
)
def test_database_url_scheme_is_normalized(url: str) -> None:
    """The scheme `postgres://`, which Heroku sets, becomes `postgresql://`."""
    assert load(VALID | {"DATABASE_URL": url}).database_url == "postgresql://db/calls"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://app.example", "https://app.example"),
        ("https://app.example/", "https://app.example"),
        ("https://app.example/calls/", "https://app.example/calls"),
        ("http://user:pass@App.example:8080", "http://user:pass@App.example:8080"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_public_url_is_unchanged(text: str, url: str) -> None:
    """A public URL loses only its final slash, because Twilio signs the rest as written."""
    assert load(VALID | {"PUBLIC_URL": text}).public_url == url


@pytest.mark.parametrize(
    "text",
    [
        "app.example",
        "//app.example",
        "ftp://app.example",
        "https://",
        "https://app.example?x=1",
        "https://app.example/#x",
        "https://app.example?",
        "https://app.example:99999",
        "https://äpp.example",
        "https://[::1",
        "https://app.example/ calls",
        "https://app.example/callbacks/transcription",
    ],
)
def test_invalid_public_url_is_rejected(text: str) -> None:
    """A public URL with another scheme, a query, a fragment or the callback's path is rejected."""
    (error,) = config_errors(PUBLIC_URL=text)

    assert error.startswith("PUBLIC_URL ")


@pytest.mark.parametrize(
    ("text", "prefixes"),
    [
        ("/voice", ("/voice",)),
        (" /voice , /a/b.c/~d,", ("/voice", "/a/b.c/~d")),
        ("/", ("/",)),
        (f"/{'a' * 32}", (f"/{'a' * 32}",)),
        ("/...", ("/...",)),
        ("", ()),
        (",", ()),
    ],
)
def test_prefixes_are_separated_by_commas(text: str, prefixes: tuple[str, ...]) -> None:
    """PUBLIC_URL_PREFIXES are path prefixes, separated by commas; none by default."""
    assert load(VALID | {"PUBLIC_URL_PREFIXES": text}).public_url_prefixes == prefixes


@pytest.mark.parametrize(
    "prefix",
    [
        "voice",
        "/voice/",
        "//",
        "//voice",
        "/a/../b",
        "/.",
        "/a%2Fb",
        "/a;b",
        "/a?b",
        "/a b",
        "/ä",
        f"/{'a' * 33}",
        "https://app.example/voice",
        "/callbacks/transcription",
        "/voice/callbacks/transcription",
    ],
)
def test_invalid_prefix_is_rejected(prefix: str) -> None:
    """A prefix with a final slash, an escape, a dot segment or the callback's path is an error."""
    (error,) = config_errors(PUBLIC_URL_PREFIXES=f"/good,{prefix}")

    assert error.startswith("PUBLIC_URL_PREFIXES item 2 ")


def test_cors_origins_have_the_form_of_browsers() -> None:
    """An origin has its host in lower case, and neither a final slash nor the scheme's own port."""
    text = "https://App.Example:443/, http://localhost:3000,http://127.0.0.1:80,,https://[::1]:8443"

    assert load(VALID | {"CORS_ORIGINS": text}).cors_origins == (
        "https://app.example",
        "http://localhost:3000",
        "http://127.0.0.1",
        "https://[::1]:8443",
    )
    assert load(VALID).cors_origins == ()


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "app.example",
        "https://*.example",
        "https://app.example/calls",
        "https://user:pw@app.example",
        "https://app.example?x",
        "http://app.example",
        "file:///",
        "https://ä.example",
    ],
)
def test_invalid_cors_origin_is_rejected(origin: str) -> None:
    """Only origins are accepted: neither patterns nor paths, and http for this machine only."""
    (error,) = config_errors(CORS_ORIGINS=f"https://good.example,{origin}")

    assert error.startswith("CORS_ORIGINS item 2 is not the origin of web pages")
