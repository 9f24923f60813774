"""Tests of the settings for Twilio's API: the credentials and the base URL."""

import pytest

from receiver.settings.config import load
from tests.support.config import SID, VALID, config_errors

KEY = "SK" + SID[2:]
KEY_PAIR = {"TWILIO_API_KEY": KEY, "TWILIO_API_SECRET": "api-secret"}
TOKEN = VALID["TWILIO_AUTH_TOKEN"]
OTHER = "AC" + "f" * 32


@pytest.mark.parametrize(
    ("changes", "credentials"),
    [
        ({}, ()),
        ({"TWILIO_ACCOUNT_SID": SID}, ((SID, TOKEN),)),
        (KEY_PAIR, ((KEY, "api-secret"),)),
        (KEY_PAIR | {"TWILIO_ACCOUNT_SID": SID}, ((KEY, "api-secret"),)),
        (
            {
                "TWILIO_ACCOUNT_SID": SID,
                "TWILIO_AUTH_TOKEN": f"first,{OTHER}=b,{SID}=own,{SID}=old",
            },
            ((SID, "own"), (SID, "old")),
        ),
        (
            {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": f"{OTHER}=b,first,x"},
            ((SID, "first"), (SID, "x")),
        ),
        ({"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": f"{OTHER}=b"}, ()),
        (
            {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": "", "TWILIO_SIGNING_KEYS": "id=s"},
            (),
        ),
    ],
)
def test_credentials_are_selected(
    changes: dict[str, str], credentials: tuple[tuple[str, str], ...]
) -> None:
    """The API key is used alone, else the account's own tokens, else the unbound tokens."""
    assert load(VALID | changes).twilio_credentials == credentials


@pytest.mark.parametrize(("present", "missing"), [tuple(KEY_PAIR), tuple(reversed(KEY_PAIR))])
def test_incomplete_api_key_is_rejected(present: str, missing: str) -> None:
    """An API key without its secret, or a secret without its key, is rejected."""
    (error,) = config_errors(**{present: KEY_PAIR[present]})
    assert error.startswith(f"{missing} is not set")


@pytest.mark.parametrize("text", ["key", SID, KEY.lower(), KEY + "0"])
def test_invalid_api_key_sid_is_rejected(text: str) -> None:
    """A TWILIO_API_KEY that isn't an API key's SID is rejected."""
    (error,) = config_errors(**KEY_PAIR | {"TWILIO_API_KEY": text})
    assert error.startswith("TWILIO_API_KEY is not an API key's SID")


@pytest.mark.parametrize("text", ["two words", "sécret"])
def test_invalid_api_secret_is_rejected(text: str) -> None:
    """A secret with a space or a special letter is rejected, and the message doesn't contain it."""
    (error,) = config_errors(**KEY_PAIR | {"TWILIO_API_SECRET": text})
    assert error.startswith("TWILIO_API_SECRET contains")
    assert text not in error


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:9000", "https://[::1]:9000/", "https://twilio.example.com"]
)
def test_base_url_is_an_origin(text: str) -> None:
    """A base URL is an origin, and its final slash is removed."""
    assert load(VALID | {"TWILIO_BASE_URL": text}).twilio_base_url == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:9000",
        "ftp://127.0.0.1",
        "http://",
        "http://user:pw@127.0.0.1:9000",
        "http://127.0.0.1:9000/v3",
        "http://127.0.0.1:9000?x",
        "http://127.0.0.1:9000#x",
        "http://127.0.0.1:0",
        "http://127.0.0.1:65536",
        "http://127.0.0.1:99999999",
        "http://[::1",
        "http://a b",
    ],
)
def test_base_url_with_more_than_an_origin_is_rejected(text: str) -> None:
    """A base URL with a user, a path, a query, a fragment or an invalid port is rejected."""
    (error,) = config_errors(TWILIO_BASE_URL=text)
    assert error.startswith("TWILIO_BASE_URL is not an origin")


@pytest.mark.parametrize(
    "text",
    [
        "http://api.example",
        "http://localhost.example:9000",
        "http://10.0.0.1",
        "http://[::ffff:10.0.0.1]",
        "http://2130706433.example",
    ],
)
def test_base_url_without_tls_is_for_this_machine(text: str) -> None:
    """The credentials are not sent to another machine over http."""
    (error,) = config_errors(TWILIO_BASE_URL=text)
    assert error.startswith("TWILIO_BASE_URL is http to another machine")
