"""Tests of the keys: each verifies with its own algorithm, and a SharedKey by its name."""

from dataclasses import replace

import pytest

from receiver.settings.keys import SigningKey
from tests.support.signed import (
    KEYS,
    NEW_SHARED,
    SHARED,
    TOKEN,
    settings_header,
    signed_json,
    verified,
    verify_outcome,
)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
def test_old_and_new_keys_verify(key: SigningKey) -> None:
    """Each configured key verifies, as during a rotation, and is returned."""
    assert verified(signed_json(b"{}", key), b"{}").key == key


@pytest.mark.parametrize(
    ("key", "settings", "reason"),
    [
        pytest.param(SHARED, None, "wrong_signature", id="SharedKey without its name"),
        pytest.param(
            SHARED, settings_header(NEW_SHARED), "wrong_signature", id="another SharedKey's name"
        ),
        pytest.param(
            replace(SHARED, algorithm="HMAC_SHA1"),
            None,
            "wrong_signature",
            id="SharedKey used as a token",
        ),
        pytest.param(
            replace(TOKEN, algorithm="HMAC_SHA256"),
            "key=auth-token-1,algorithm=HMAC_SHA256",
            "unknown_key",
            id="token named in the header",
        ),
        pytest.param(TOKEN, "key=nobody,algorithm=HMAC_SHA256", "unknown_key", id="unknown id"),
        pytest.param(
            replace(SHARED, algorithm="HMAC_SHA1"),
            f"key={SHARED.id},algorithm=HMAC_SHA1",
            "unsupported_algorithm",
            id="downgraded",
        ),
        pytest.param(TOKEN, "algorithm=HMAC_SHA1", "malformed_settings", id="no key"),
        pytest.param(TOKEN, f"key={SHARED.id}", "malformed_settings", id="no algorithm"),
        pytest.param(TOKEN, "nonsense", "malformed_settings", id="nonsense"),
        pytest.param(
            SHARED,
            f"key=x,key={SHARED.id},algorithm=HMAC_SHA256",
            "malformed_settings",
            id="two keys",
        ),
    ],
)
def test_key_verifies_only_with_its_algorithm_and_name(
    key: SigningKey, settings: str | None, reason: str
) -> None:
    """A key verifies only with its algorithm, and a SharedKey only if the header names it."""
    signature = signed_json(b"{}", key)
    assert verify_outcome(replace(signature, settings=settings), b"{}") == reason


def test_settings_header_is_parsed_leniently() -> None:
    """The settings header may contain blanks, another order and unknown fields."""
    header = f" algorithm = HMAC_SHA256 , version=2, key={SHARED.id}"
    assert verified(replace(signed_json(b"{}", SHARED), settings=header), b"{}").key == SHARED


@pytest.mark.parametrize("settings", ["", "  "])
def test_empty_settings_header_means_auth_token(settings: str) -> None:
    """An empty settings header means an auth token, as in Twilio's SDKs."""
    assert verified(replace(signed_json(b"{}"), settings=settings), b"{}").key == TOKEN


def test_request_without_key_name_needs_a_token() -> None:
    """A request that names no key is rejected if only SharedKeys are configured."""
    assert verify_outcome(signed_json(b"{}"), b"{}", SHARED) == "unknown_key"
