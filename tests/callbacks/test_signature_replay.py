"""What a captured signature can't be used for: junk that is signed without end."""

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
def test_a_captured_json_url_carries_no_form(junk: bytes) -> None:
    """A JSON callback replayed as a form that parses to no fields is refused."""
    request = replace(signed_json(b"{}"), content_type=signing.FORM)
    assert verify_outcome(request, junk) == "body_hash_mismatch"


@pytest.mark.parametrize("length", [len(URL), len(URL) + 1, len(URL) + len("?bodySHA2")])
def test_a_captured_json_url_can_not_be_cut(length: int) -> None:
    """A JSON callback whose hash moved from the URL into a form's field is refused."""
    request = signed_json(b"{}")
    cut = replace(request, url=request.url[:length], content_type=signing.FORM)
    body = urlencode([(request.url[length:], "")]).encode()
    assert verify_outcome(cut, body) == "body_hash_mismatch"


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"a=1", b"b=2", b"", b"a=%31"])))
def test_a_form_that_is_swollen_is_no_new_form(extra: list[bytes]) -> None:
    """Fields repeated, reordered, escaped otherwise or empty leave the digest as it is."""
    request = signed_form([("a", "1"), ("b", "2")])
    swollen = b"&".join([b"b=2", *extra, b"a=1"])
    assert verified(request, swollen).digest == verified(request, b"a=1&b=2").digest


def test_a_field_may_be_repeated_up_to_the_limit() -> None:
    """A form of the most fields that are parsed verifies, and is no new form."""
    request = signed_form([("a", "1")])
    swollen = b"&".join([b"a=1"] * MAX_FIELDS)
    assert verified(request, swollen).digest == verified(request, b"a=1").digest


@pytest.mark.parametrize("count", [MAX_FIELDS + 1, 50_000])
def test_the_number_of_fields_is_bounded(count: int) -> None:
    """Over the limit a form is refused unparsed, since nobody has proved anything yet."""
    assert (
        verify_outcome(signed_form([("a", "1")]), b"&".join([b"a=1"] * count)) == "too_many_fields"
    )


def test_a_form_that_is_cut_otherwise_is_no_new_form() -> None:
    """Name, value and URL are signed without a seam, so other seams leave the digest as it is."""
    url = URL + "?x=1"
    original = verified(signed_form([("ab", "cd")], url=url), b"ab=cd")
    recut = [(url, b"a=bcd"), (url, b"abcd"), (url, b"a=b&c=d"), (url + "a", b"b=cd")]
    signature = signing.sign(url, TOKEN.secret, form=[("ab", "cd")])
    for shorter, body in recut:
        request = SignedRequest(shorter, signature, None, signing.FORM)
        assert verified(request, body).digest == original.digest


@settings(deadline=None)
@given(FIELDS, FIELDS)
def test_other_signed_strings_have_other_digests(some: Fields, others: Fields) -> None:
    """Two forms share a digest exactly where they share a signature."""
    digests = [
        verified(signed_form(fields), urlencode(fields).encode()).digest
        for fields in (some, others)
    ]
    assert (digests[0] == digests[1]) == (signed_form(some) == signed_form(others))


def test_a_form_never_has_the_digest_of_a_body() -> None:
    """The digest of a form isn't the hash of its bytes, so it can't pass for a JSON body's."""
    form = verified(signed_form([("a", "1")]), b"a=1")
    assert len(form.digest) == 32
    assert form.digest not in (sha256(b"a=1").digest(), sha256(f"{URL}a1".encode()).digest())
