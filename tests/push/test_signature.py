"""Tests of the signature, with the library that receivers use."""

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from receiver.push.signature import signature_headers

OLD, NEW, OTHER = (bytes([number]) * 32 for number in range(3))


def test_known_signature() -> None:
    """The signature is that of the example which the libraries of Standard Webhooks test."""
    headers = signature_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        [base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        unix_seconds=1614265330,
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(min_size=24, max_size=64), st.dictionaries(st.text(), st.text()))
def test_library_verifies_it(secret: bytes, document: dict[str, str]) -> None:
    """The library verifies what is signed with its secret, and returns the document."""
    body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
    headers = signature_headers("msg_1", body, [secret], unix_seconds=int(time.time()))
    assert Webhook(secret).verify(body, headers) == json.loads(body)


def test_each_secret_has_a_signature() -> None:
    """During a rotation, receivers verify with either secret; with another one they don't."""
    headers = signature_headers("msg_1", b"{}", [OLD, NEW], unix_seconds=int(time.time()))
    for secret in (OLD, NEW):
        Webhook(secret).verify(b"{}", headers)
    for changes in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(time.time()) + 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(OLD).verify(b"{}", headers | changes)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(b"{}", headers)
