"""Tests of revalidation: today's rules are applied to what the callback arrived with."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from receiver.callbacks.revalidate import revalidate
from receiver.events.validate import validate_callback
from receiver.settings.keys import SigningKey
from receiver.store.event import Event
from tests.support.callback_events import received_event
from tests.support.samples import ACCOUNT, COMPLETED, OTHER_ACCOUNT
from tests.support.signed import SHARED, TOKEN, URL, signed_form, signed_json


def _bound_key(account: str) -> SigningKey:
    return replace(TOKEN, id=account, account=account)


def _bound_shared_key(account: str) -> SigningKey:
    return replace(SHARED, account=account)


def _validated(key: SigningKey, *, body: bytes = COMPLETED, url: str = URL) -> Event:
    """Return the event of a callback that the key signed, as it was first validated."""
    signed = signed_json(body, key, url=url)
    event = replace(
        received_event(body),
        key_id=key.stored_id,
        url=signed.url,
        signature=signed.signature,
        signature_settings=signed.settings,
    )

    return validate_callback(event, key.account, is_form=False)


@pytest.mark.parametrize(
    "key",
    [TOKEN, SHARED, _bound_key(ACCOUNT), _bound_shared_key(ACCOUNT)],
    ids=["token", "shared", "bound", "bound shared"],
)
def test_same_keys_give_the_same_event(key: SigningKey) -> None:
    """Revalidation with the same keys returns the same event."""
    event = _validated(key)
    assert event.head is not None
    assert revalidate(event, [key]) == event


def test_corrected_binding_is_used() -> None:
    """Revalidation uses the account to which the signing key is bound today."""
    event = _validated(_bound_key(OTHER_ACCOUNT))
    assert event.reason == "account_mismatch"
    for key in (_bound_key(ACCOUNT), TOKEN):
        revalidated = revalidate(event, [replace(SHARED, id="another"), key])
        assert (revalidated.reason, revalidated.detail, revalidated.key_id) == (None, None, key.id)
        assert revalidated.head is not None


def test_added_binding_is_used() -> None:
    """An event that was never applied is checked against a binding that was added later."""
    event = replace(_validated(TOKEN), head=None, reason="unstorable", detail="For the test.")
    assert revalidate(event, [_bound_key(OTHER_ACCOUNT)]).reason == "account_mismatch"


@pytest.mark.parametrize("keys", [[], [SHARED], [replace(TOKEN, secret="another")]])
def test_removed_key_still_counts(keys: list[SigningKey]) -> None:
    """An event stays valid after its key was removed, because the ledger names the key."""
    event = _validated(TOKEN)
    assert revalidate(event, keys) == event


@pytest.mark.parametrize("bind", [_bound_key, _bound_shared_key])
def test_removed_bound_key_stays_bound(bind: Callable[[str], SigningKey]) -> None:
    """A bound token or SharedKey that was removed still allows its own account only."""
    remaining_keys = [replace(TOKEN, secret="another")]
    assert revalidate(_validated(bind(ACCOUNT)), remaining_keys).reason is None
    assert revalidate(_validated(bind(OTHER_ACCOUNT)), remaining_keys).reason == "account_mismatch"


def test_event_without_url_is_validated_by_key_id() -> None:
    """An event without a stored URL and signature is validated by its key id alone."""
    event = replace(_validated(TOKEN), url=None, signature=None)
    assert revalidate(event, [TOKEN]) == event


def test_stored_url_is_used() -> None:
    """Revalidation uses the stored URL, because PUBLIC_URL may have changed since."""
    event = _validated(
        _bound_key(OTHER_ACCOUNT),
        url="https://user:pw@old.example.com:8443/callbacks/transcription",
    )
    assert revalidate(event, [_bound_key(ACCOUNT)]).head is not None


def test_earlier_result_is_discarded() -> None:
    """The ids of an earlier validation are discarded if the body can't be decoded today."""
    event = replace(_validated(TOKEN, body=b"not JSON"), job_id="job", account_id=ACCOUNT)
    revalidated = revalidate(event, [TOKEN])
    assert (revalidated.job_id, revalidated.account_id, revalidated.reason) == (
        None,
        None,
        "undecodable",
    )


def test_form_stays_quarantined() -> None:
    """A form's signature verifies again, and the form stays quarantined."""
    signed = signed_form([("CallSid", "CA1")])
    event = replace(
        received_event(b"CallSid=CA1", content_type=str(signed.content_type)),
        sha256=bytes(32),  # a form's digest covers the signed string
        url=signed.url,
        signature=signed.signature,
    )
    revalidated = revalidate(event, [_bound_key(ACCOUNT)])
    assert (revalidated.reason, revalidated.key_id) == ("unexpected_content_type", ACCOUNT)
