"""The account at Twilio: who calls it, and how that is written in settings."""

import pytest

from receiver.settings.config import load
from tests.settings.test_config import SID, SOUND, faults

KEY = "SK" + SID[2:]
PAIR = {"TWILIO_API_KEY": KEY, "TWILIO_API_SECRET": "api-secret"}
TOKEN = SOUND["TWILIO_AUTH_TOKEN"]
OTHER = "AC" + "f" * 32


@pytest.mark.parametrize(
    ("changes", "credentials"),
    [
        ({}, None),
        ({"TWILIO_ACCOUNT_SID": SID}, (SID, TOKEN)),
        (PAIR, (KEY, "api-secret")),
        (PAIR | {"TWILIO_ACCOUNT_SID": SID}, (KEY, "api-secret")),
        (
            {
                "TWILIO_ACCOUNT_SID": SID,
                "TWILIO_AUTH_TOKEN": f"first,{OTHER}=b,{SID}=own,{SID}=old",
            },
            (SID, "own"),
        ),
        ({"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": f"{OTHER}=b,first"}, (SID, "first")),
        ({"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": f"{OTHER}=b"}, None),
        (
            {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": "", "TWILIO_SIGNING_KEYS": "id=s"},
            None,
        ),
    ],
)
def test_who_calls_twilio(changes: dict[str, str], credentials: tuple[str, str] | None) -> None:
    """The API key, else the account with its own token, else with the first that is nobody's."""
    assert load(SOUND | changes).twilio_credentials == credentials


@pytest.mark.parametrize(("there", "missing"), [tuple(PAIR), tuple(reversed(PAIR))])
def test_half_a_pair_is_refused(there: str, missing: str) -> None:
    """The fault names the half that isn't set."""
    (fault,) = faults(**{there: PAIR[there]})
    assert fault.startswith(f"{missing} is not set")


@pytest.mark.parametrize("text", ["key", SID, KEY.lower(), KEY + "0"])
def test_an_api_key_is_named_by_its_sid(text: str) -> None:
    """Something else in its place, perhaps the secret, is refused."""
    (fault,) = faults(**PAIR | {"TWILIO_API_KEY": text})
    assert fault.startswith("TWILIO_API_KEY is not an API key's SID")


@pytest.mark.parametrize("text", ["two words", "sécret"])
def test_a_secret_is_one_word(text: str) -> None:
    """What no secret of Twilio's looks like is refused, and not told."""
    (fault,) = faults(**PAIR | {"TWILIO_API_SECRET": text})
    assert fault.startswith("TWILIO_API_SECRET contains")
    assert text not in fault


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:9000", "https://[::1]:9000/", "https://twilio.example.com"]
)
def test_a_base_url_is_an_origin(text: str) -> None:
    """It is kept without a slash at its end."""
    assert load(SOUND | {"TWILIO_BASE_URL": text}).twilio_base_url == text.rstrip("/")


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
def test_a_base_url_is_nothing_more(text: str) -> None:
    """A path, a user or a query would be lost on the way, so they are refused."""
    (fault,) = faults(TWILIO_BASE_URL=text)
    assert fault.startswith("TWILIO_BASE_URL is not an origin")
