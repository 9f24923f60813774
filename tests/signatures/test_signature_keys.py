"""Which key may verify what: each by its own algorithm, and a SharedKey by its name."""

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
    """Around a rotation each key that is configured verifies, and is told."""
    assert verified(signed_json(b"{}", key), b"{}").key == key


@pytest.mark.parametrize(
    ("key", "settings", "reason"),
    [
        pytest.param(SHARED, None, "wrong_signature", id="a SharedKey is tried only by its name"),
        pytest.param(SHARED, settings_header(NEW_SHARED), "wrong_signature", id="another's name"),
        pytest.param(
            replace(SHARED, algorithm="HMAC_SHA1"), None, "wrong_signature", id="as a token"
        ),
        pytest.param(
            replace(TOKEN, algorithm="HMAC_SHA256"),
            "key=auth-token-1,algorithm=HMAC_SHA256",
            "unknown_key",
            id="a token has no name to be called by",
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
def test_a_key_verifies_only_as_itself(key: SigningKey, settings: str | None, reason: str) -> None:
    """A key serves with its one algorithm, and a SharedKey only where the header names it."""
    signature = signed_json(b"{}", key)
    assert verify_outcome(replace(signature, settings=settings), b"{}") == reason


def test_settings_may_be_written_loosely() -> None:
    """Blanks, another order and fields that are new don't matter."""
    loose = f" algorithm = HMAC_SHA256 , version=2, key={SHARED.id}"
    assert verified(replace(signed_json(b"{}", SHARED), settings=loose), b"{}").key == SHARED


@pytest.mark.parametrize("settings", ["", "  "])
def test_empty_settings_are_none(settings: str) -> None:
    """An empty header means an auth token, as it does for Twilio's SDKs."""
    assert verified(replace(signed_json(b"{}"), settings=settings), b"{}").key == TOKEN


def test_no_token_at_all() -> None:
    """Where only SharedKeys are configured, a request that names none is refused as such."""
    assert verify_outcome(signed_json(b"{}"), b"{}", SHARED) == "unknown_key"
