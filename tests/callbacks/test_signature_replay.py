"""Tests that a captured signature can't be reused for other bodies."""

from dataclasses import replace
from hashlib import sha256
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.signatures.form import MAX_FIELDS
from receiver.signatures.signature import SignedRequest
from tests.support import signing
from tests.support.signed import (
    TOKEN,
    URL,
    Fields,
    signed_form,
    signed_json,
    verified,
    verify_outcome,
)

FIELDS = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=6)


@pytest.mark.parametrize("junk", [b"", b"&&&", b"&" * 500])
def test_captured_json_url_does_not_verify_form(junk: bytes) -> None:
    """The signature of a JSON callback doesn't verify a form without fields."""
    request = replace(signed_json(b"{}"), content_type=signing.FORM)
    assert verify_outcome(request, junk) == "body_hash_mismatch"


@pytest.mark.parametrize("length", [len(URL), len(URL) + 1, len(URL) + len("?bodySHA2")])
def test_captured_json_url_can_not_be_shortened(length: int) -> None:
    """A JSON callback whose hash moved from the URL into a form's field is rejected."""
    request = signed_json(b"{}")
    cut = replace(request, url=request.url[:length], content_type=signing.FORM)
    body = urlencode([(request.url[length:], "")]).encode()
    assert verify_outcome(cut, body) == "body_hash_mismatch"


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"a=1", b"b=2", b"", b"a=%31"])))
def test_padded_form_has_the_same_digest(padding: list[bytes]) -> None:
    """A form with repeated, reordered, escaped or empty fields has the same digest."""
    request = signed_form([("a", "1"), ("b", "2")])
    padded = b"&".join([b"b=2", *padding, b"a=1"])
    assert verified(request, padded).digest == verified(request, b"a=1&b=2").digest


def test_field_may_be_repeated_up_to_the_limit() -> None:
    """A form with the largest allowed number of repeated fields verifies with the same digest."""
    request = signed_form([("a", "1")])
    padded = b"&".join([b"a=1"] * MAX_FIELDS)
    assert verified(request, padded).digest == verified(request, b"a=1").digest


@pytest.mark.parametrize("count", [MAX_FIELDS + 1, 50_000])
def test_too_many_fields_are_rejected(count: int) -> None:
    """A form with too many fields is rejected before it is parsed."""
    assert (
        verify_outcome(signed_form([("a", "1")]), b"&".join([b"a=1"] * count)) == "too_many_fields"
    )


def test_regrouped_form_has_the_same_digest() -> None:
    """A form whose signed string is split differently has the same digest."""
    url = URL + "?x=1"
    original = verified(signed_form([("ab", "cd")], url=url), b"ab=cd")
    regrouped = [(url, b"a=bcd"), (url, b"abcd"), (url, b"a=b&c=d"), (url + "a", b"b=cd")]
    signature = signing.sign(url, TOKEN.secret, form=[("ab", "cd")])
    for called_url, body in regrouped:
        request = SignedRequest(called_url, signature, None, signing.FORM)
        assert verified(request, body).digest == original.digest


@settings(deadline=None)
@given(FIELDS, FIELDS)
def test_forms_share_digest_only_with_signature(some: Fields, others: Fields) -> None:
    """Two forms have the same digest exactly if they have the same signature."""
    digests = [
        verified(signed_form(fields), urlencode(fields).encode()).digest
        for fields in (some, others)
    ]
    assert (digests[0] == digests[1]) == (signed_form(some) == signed_form(others))


def test_form_digest_is_not_a_body_hash() -> None:
    """A form's digest differs from the hash of its bytes and from the hash of its signed string."""
    form = verified(signed_form([("a", "1")]), b"a=1")
    assert len(form.digest) == 32
    assert form.digest not in (sha256(b"a=1").digest(), sha256(f"{URL}a1".encode()).digest())
