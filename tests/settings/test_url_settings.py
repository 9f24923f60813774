"""Tests of the settings that are URLs, or parts or lists of them."""

import subprocess
import sys

import pytest

from receiver.settings.config import load
from tests.support.config import VALID, config_errors
from tests.support.paths import ROOT


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
        "postgres://db:5432,other:0/calls",
        "postgres://db:5432,other:port/calls",
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
    "query",
    [
        "sslmode=verify-full&sslrootcert=system",
        "sslmode=require&sslnegotiation=direct",
        "ssl=true",
        "host=/var/run/postgresql",
        "application_name=calls&options=-c%20geqo%3Doff",
        "target_session_attrs=read-write&connect_timeout=5",
        "",
    ],
)
def test_every_option_of_libpq_is_accepted(query: str) -> None:
    """Every option that libpq has is accepted, and stays as it is written."""
    url = f"postgresql://db/calls?{query}"

    assert load(VALID | {"DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("pgbouncer=true", ["has the option pgbouncer, which is not one of libpq's; remove it"]),
        ("sslmode=require&schema=calls", ["has the option schema, which is not one of libpq's; "]),
        (
            "connection_limit=5&pool_timeout=0",
            [
                "has the option connection_limit, which is not one of libpq's; remove it, and set",
                "has the option pool_timeout, which is not one of libpq's; remove it",
            ],
        ),
        # The driver's own arguments are no options of a URL.
        ("autocommit=false", ["has the option autocommit, which is not one of libpq's; "]),
        ("ssl=1", ["has the option ssl, which is not one of libpq's; write sslmode=require"]),
        (
            "sslmode=no-verify&target_session_attrs=any",
            ["has a value of the option sslmode that libpq doesn't accept; write sslmode=require"],
        ),
        (
            "target_session_attrs=master",
            ["has a value of the option target_session_attrs that libpq doesn't accept; "],
        ),
    ],
)
def test_options_of_other_drivers_are_rejected(query: str, faults: list[str]) -> None:
    """An option or value that libpq doesn't accept is an error that says what to write instead."""
    errors = config_errors(DATABASE_URL=f"postgres://db/calls?{query}")

    assert len(errors) == len(faults)
    for error, fault in zip(errors, faults, strict=True):
        assert error.startswith(f"DATABASE_URL {fault}")


@pytest.mark.parametrize("url", ["postgres://u:12/zQ?nine=ten@db/x", "postgres://db/x?a%20b=zQ"])
def test_part_of_a_password_is_not_named(url: str) -> None:
    """What follows a bare `?` in a password isn't printed as the name of an option."""
    (error,) = config_errors(DATABASE_URL=url)

    assert "percent-encode" in error
    assert not any(part in error for part in ("nine", "ten", "a b", "zQ"))


@pytest.mark.parametrize(
    ("url", "normalized"),
    [
        (
            "postgres://u:p@db1:5432,db2:5433/calls?target_session_attrs=read-write",
            "postgresql://u:p@/calls?host=db1%2Cdb2&port=5432%2C5433&target_session_attrs=read-write",
        ),
        ("postgres://db1,db2/calls", "postgresql:///calls?host=db1%2Cdb2&port=%2C"),
        ("postgres://[::1]:1,[::2]/calls", "postgresql:///calls?host=%3A%3A1%2C%3A%3A2&port=1%2C"),
        (
            "postgres:///calls?host=db1,db2&port=5433",
            "postgresql:///calls?host=db1%2Cdb2&port=5433%2C5433",
        ),
    ],
)
def test_several_hosts_become_options(url: str, normalized: str) -> None:
    """Several hosts, in libpq's own form, become its options host and port."""
    assert load(VALID | {"DATABASE_URL": url}).database_url == normalized


def test_settings_are_read_before_the_driver_is_imported() -> None:
    """A process without psycopg, such as gunicorn's master, doesn't import it for the check."""
    script = (
        "import sys; from receiver.settings.database_url import parse_database_url as parse\n"
        "print(parse('postgres://a,b/calls')); assert 'psycopg' not in sys.modules\n"
        "parse('postgres://db/calls?pgbouncer=true')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stdout == "postgresql:///calls?host=a%2Cb&port=%2C\n"
    assert "has the option pgbouncer" in done.stderr


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
    "text",
    ["127.0.0.1:8000", "localhost:80", "[::]:8000", "[::1]:65535", "unix:/run/receiver/web.sock"],
)
def test_bind_is_an_address_or_a_unix_socket(text: str) -> None:
    """BIND is a host with its port, an IPv6 address in brackets too, or a Unix socket."""
    assert load(VALID | {"BIND": text}).bind == text


@pytest.mark.parametrize(
    "text",
    [
        "8000",
        ":8000",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:http",
        "::1:8000",
        "[::1]",
        "http://127.0.0.1:8000",
        "127.0.0.1:8000,[::1]:8000",
        "unix:",
        "unix:web.sock",
        "unix:/run/",
        "unix:/run/web sock",
        f"unix:/{'x' * 100}",
    ],
)
def test_invalid_bind_is_rejected(text: str) -> None:
    """A BIND without host or port, with several addresses or a relative path is an error."""
    (error,) = config_errors(BIND=text)

    assert error.startswith("BIND is not a")


@pytest.mark.parametrize(
    ("text", "prefixes"),
    [
        ("/voice", ("/voice",)),
        (" /voice , /a/b.c/~d,", ("/voice", "/a/b.c/~d")),
        ("/", ("/",)),
        (f"/{'a' * 32}", (f"/{'a' * 32}",)),
        ("/...", ("/...",)),
        ("", ()),
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


@pytest.mark.parametrize(
    ("variable", "text"),
    [("PUBLIC_URL_PREFIXES", "x,/voice,y"), ("CORS_ORIGINS", "x,https://good.example,y")],
)
def test_each_invalid_item_is_reported(variable: str, text: str) -> None:
    """All items that are no prefix or no origin are reported, each by its position."""
    first, second = config_errors(**{variable: text})

    assert first.startswith(f"{variable} item 1 is not")
    assert second.startswith(f"{variable} item 3 is not")


@pytest.mark.parametrize("variable", ["PUBLIC_URL_PREFIXES", "CORS_ORIGINS"])
def test_list_of_commas_is_rejected(variable: str) -> None:
    """A list without an item is an error, so that a lost value isn't taken for the default."""
    (error,) = config_errors(**{variable: " , "})

    assert error == f"{variable} contains only commas; write at least one item."
