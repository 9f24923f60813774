"""Judging anew: by today's rules, with what was shown when the body came."""

from dataclasses import replace

import pytest

from receiver.callbacks.revalidate import revalidate
from receiver.events.validate import validate_callback
from receiver.settings.keys import SigningKey
from receiver.store.event import Event
from tests.support.callback_events import received_event
from tests.support.paths import ROOT
from tests.support.signed import SHARED, TOKEN, URL, signed_form, signed_json

COMPLETED = (ROOT / "tests" / "samples" / "completed_flat.json").read_bytes()
ACCOUNT = "AC" + "a" * 32
OTHER = "AC" + "b" * 32


def _bound(account: str, key: SigningKey = TOKEN) -> SigningKey:
    return replace(key, id=account, account=account)


def _came(key: SigningKey, *, body: bytes = COMPLETED, url: str = URL) -> Event:
    """Return what the key signed, as it was judged when it came."""
    signed = signed_json(body, key, url=url)
    event = replace(
        received_event(body),
        key_id=key.id,
        url=signed.url,
        signature=signed.signature,
        signature_settings=signed.settings,
    )

    return validate_callback(event, key.account, is_form=False)


@pytest.mark.parametrize("key", [TOKEN, SHARED, _bound(ACCOUNT)], ids=["token", "shared", "bound"])
def test_what_nothing_has_changed_for_is_judged_as_before(key: SigningKey) -> None:
    """With the same keys it is the same event, head and all."""
    event = _came(key)
    assert event.head is not None
    assert revalidate(event, [key]) == event


def test_a_wrong_binding_that_was_mended() -> None:
    """The account counts to which the key that signed it is bound today."""
    event = _came(_bound(OTHER))
    assert event.reason == "account_mismatch"
    for key in (_bound(ACCOUNT), TOKEN):
        judged = revalidate(event, [replace(SHARED, id="another"), key])
        assert (judged.reason, judged.detail, judged.key_id) == (None, None, key.id)
        assert judged.head is not None


def test_a_binding_that_was_wrongly_left_out() -> None:
    """What was never applied is held to today's binding, too."""
    event = replace(_came(TOKEN), head=None, reason="unstorable", detail="For the test.")
    assert revalidate(event, [_bound(OTHER)]).reason == "account_mismatch"


@pytest.mark.parametrize("keys", [[], [SHARED], [replace(TOKEN, secret="another")]])
def test_a_key_that_was_rotated_away(keys: list[SigningKey]) -> None:
    """The signature was right when it came, under the key that the ledger names."""
    event = _came(TOKEN)
    assert revalidate(event, keys) == event


def test_a_bound_key_that_was_rotated_away_stays_bound() -> None:
    """The account that it spoke for is still the only one."""
    another = [replace(TOKEN, secret="another")]
    assert revalidate(_came(_bound(ACCOUNT)), another).reason is None
    assert revalidate(_came(_bound(OTHER)), another).reason == "account_mismatch"


def test_what_came_before_the_url_was_kept() -> None:
    """A row without URL and signature is judged by the key's name alone."""
    event = replace(_came(TOKEN), url=None, signature=None)
    assert revalidate(event, [TOKEN]) == event


def test_the_urls_of_that_time_count() -> None:
    """PUBLIC_URL may have changed since; what was called is in the ledger."""
    event = _came(_bound(OTHER), url="https://user:pw@old.example.com:8443/callbacks/transcription")
    assert revalidate(event, [_bound(ACCOUNT)]).head is not None


def test_nothing_is_left_of_an_earlier_judgement() -> None:
    """What the body was once taken to claim is forgotten, if it can't be read today."""
    event = replace(_came(TOKEN, body=b"not JSON"), job_id="job", account_id=ACCOUNT)
    judged = revalidate(event, [TOKEN])
    assert (judged.job_id, judged.account_id, judged.reason) == (None, None, "undecodable")


def test_a_form_stays_what_it_is() -> None:
    """It verifies anew, and is still no transcription's callback."""
    signed = signed_form([("CallSid", "CA1")])
    event = replace(
        received_event(b"CallSid=CA1", content_type=str(signed.content_type)),
        sha256=bytes(32),  # a form's is over the string that was signed
        url=signed.url,
        signature=signed.signature,
    )
    judged = revalidate(event, [_bound(ACCOUNT)])
    assert (judged.reason, judged.key_id) == ("unexpected_content_type", ACCOUNT)
