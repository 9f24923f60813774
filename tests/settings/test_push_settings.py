"""Tests of the settings that name the endpoints of push, and their secrets."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.settings.config import load
from receiver.settings.push_endpoints import MAX_ENDPOINTS, PushEndpoint
from tests.support.config import VALID, config_errors

SECRETS = tuple(bytes([number]) * 32 for number in range(3))
ONE, TWO, THREE = (f"whsec_{base64.b64encode(secret).decode()}" for secret in SECRETS)
HOOK = "https://hooks.example.com/in"


def test_endpoints_have_their_secrets() -> None:
    """Endpoints keep their order, and each has its own secrets in their order."""
    settings = load(
        VALID
        | {
            "PUSH_ENDPOINTS": f" orders = {HOOK}?a=1%2C2 , local=http://127.0.0.1:8001/",
            "PUSH_SECRETS": f"local={THREE},orders={ONE},orders={TWO}",
        }
    )
    assert settings.push_endpoints == (
        PushEndpoint("orders", f"{HOOK}?a=1%2C2", SECRETS[:2]),
        PushEndpoint("local", "http://127.0.0.1:8001/", SECRETS[2:]),
    )
    assert load(VALID).push_endpoints == ()


def test_repr_of_an_endpoint_is_its_name() -> None:
    """The settings' repr contains neither the URL, which may be secret, nor a secret."""
    shown = repr(
        load(VALID | {"PUSH_ENDPOINTS": f"orders={HOOK}", "PUSH_SECRETS": f"orders={ONE}"})
    )
    assert "PushEndpoint(name='orders')" in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (",", "contains only commas"),
        (HOOK, "item 1 has no '='; write name=https://"),
        (f"={HOOK}", "item 1 has no name"),
        (f"a b={HOOK}", "item 1 has no name"),
        (f"-a={HOOK}", "item 1 has no name"),
        (f"{'a' * 33}={HOOK}", "item 1 has no name"),
        (f"{HOOK}?a=1", "item 1 has no name"),
        ("a=", "item 1 has no URL that can be called"),
        ("a=hooks.example.com", "item 1 has no URL that can be called"),
        ("a=HTTPS://hooks.example.com", "item 1 has no URL that can be called"),
        ("a=ftp://hooks.example.com", "item 1 has no URL that can be called"),
        ("a=https://me:password@hooks.example.com", "item 1 has no URL that can be called"),
        ("a=https://hooks.example.com/#part", "item 1 has no URL that can be called"),
        ("a=https://hooks.example.com:0/", "item 1 has no URL that can be called"),
        ("a=http://hooks.example.com/", "item 1 is http to another machine; write https"),
        (f"a={HOOK}?list=1,2", "item 2 has no '='; write name=https://"),
        (f"a={HOOK}/1,a={HOOK}/2", "item 2 repeats the name"),
        (f"a={HOOK},b={HOOK}", "item 2 repeats the URL"),
        (
            ",".join(f"n{number}={HOOK}/{number}" for number in range(MAX_ENDPOINTS + 1)),
            "has more than 20 items",
        ),
    ],
)
def test_invalid_endpoint_is_named_by_its_position(text: str, expected: str) -> None:
    """An endpoint without a usable name or URL is reported once, and so is a repeated one."""
    (error,) = config_errors(PUSH_ENDPOINTS=text, PUSH_SECRETS="")
    assert error.startswith(f"PUSH_ENDPOINTS {expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ONE, "item 1 has no name"),  # its base64 ends with an equals sign
        ("a=", "item 1 has no secret in base64"),
        (f"a={ONE.removeprefix('whsec_')}", "item 1 has no secret in base64"),
        ("a=whsec_", "item 1 has no secret in base64"),
        ("a=whsec_not base64", "item 1 has no secret in base64"),
        (f"a={ONE[:-1]}", "item 1 has no secret in base64"),
        ("a=whsec_" + base64.b64encode(bytes(23)).decode(), "item 1 has a secret of another"),
        ("a=whsec_" + base64.b64encode(bytes(65)).decode(), "item 1 has a secret of another"),
        (f"a={ONE},b={ONE}", "item 2 repeats the secret"),
        (f"a={ONE},a={TWO},a={THREE}", "item 3 is one too many"),
    ],
)
def test_invalid_secret_is_named_by_its_position(text: str, expected: str) -> None:
    """A secret that isn't one, that another endpoint has, or a third one is reported once."""
    (error,) = config_errors(PUSH_ENDPOINTS="", PUSH_SECRETS=text)
    assert error.startswith(f"PUSH_SECRETS {expected}")


def test_endpoints_and_secrets_belong_together() -> None:
    """An endpoint without a secret, and a secret without an endpoint, are both reported."""
    assert [
        error.partition(";")[0]
        for error in config_errors(
            PUSH_ENDPOINTS=f"a={HOOK}/a,b={HOOK}/b", PUSH_SECRETS=f"a={ONE},c={TWO}"
        )
    ] == [
        "PUSH_ENDPOINTS item 2 has no secret in PUSH_SECRETS",
        "PUSH_SECRETS item 2 names no endpoint of PUSH_ENDPOINTS",
    ]
    (error,) = config_errors(PUSH_ENDPOINTS=f"a={HOOK}")
    assert error.startswith("PUSH_ENDPOINTS item 1 has no secret")
    (error,) = config_errors(PUSH_SECRETS=f"a={ONE}")
    assert error.startswith("PUSH_SECRETS item 1 names no endpoint")


@given(st.binary(min_size=24, max_size=64))
def test_secrets_are_read_back(secret: bytes) -> None:
    """Every secret of 24 to 64 bytes is accepted."""
    text = f"whsec_{base64.b64encode(secret).decode()}"
    settings = load(VALID | {"PUSH_ENDPOINTS": f"a={HOOK}", "PUSH_SECRETS": f"a={text}"})
    assert settings.push_endpoints[0].secrets == (secret,)
