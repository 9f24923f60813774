"""The signature's verdict: the published vectors, the body's hash, forms."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest

from receiver.settings.keys import SigningKey
from receiver.signatures.matching import SignatureError
from receiver.signatures.signature import SignedRequest, Verified, authenticate
from tests.support import signing
from tests.support.paths import ROOT
from tests.support.signed import (
    JSON,
    KEYS,
    TOKEN,
    URL,
    settings_header,
    signed_form,
    signed_json,
    verified,
    verify_outcome,
)

VECTORS = json.loads((ROOT / "tests" / "vectors/signature_vectors.json").read_text())


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS["vectors"]])
def test_published_vectors(vector: dict[str, Any]) -> None:
    """Each vector of the official SDKs' suites gets the verdict that they assert."""
    key = SigningKey("id", vector["token"], vector["algorithm"])
    if vector["body"] is None:
        content_type, body = signing.FORM, urlencode(vector["params"], doseq=True)
    else:
        content_type, body = JSON, vector["body"]
    request = SignedRequest(vector["url"], vector["signature"], settings_header(key), content_type)
    assert (
        isinstance(verify_outcome(request, body.encode(), key), Verified)
        == vector["expected_valid"]
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda request: replace(request, signature=None),
        lambda request: replace(request, signature=""),
        lambda request: replace(request, signature="x" + (request.signature or "")),
        lambda request: replace(request, settings="nonsense"),
        lambda request: replace(request, url=request.url + "0"),
        lambda request: replace(request, url=URL),
    ],
)
def test_an_unsigned_url_is_refused_before_the_body_is_read(
    spoil: Callable[[SignedRequest], SignedRequest],
) -> None:
    """Its signature, its settings or its URL is enough to reject it."""
    with pytest.raises(SignatureError):
        authenticate(spoil(signed_json(b"{}")), KEYS)


@pytest.mark.parametrize("content_type", [None, JSON, "text/plain", signing.FORM])
def test_the_hash_is_compared_whatever_the_content_type(content_type: str | None) -> None:
    """The raw bytes decide, also where the body claims to be a form or nothing at all."""
    request = replace(signed_json(b"a=1"), content_type=content_type)
    assert verified(request, b"a=1").digest == sha256(b"a=1").digest()
    assert verify_outcome(request, b"a=1&a=1") == "body_hash_mismatch"


@pytest.mark.parametrize("content_type", [None, "", JSON, "multipart/form-data"])
def test_without_a_hash_only_a_form_verifies(content_type: str | None) -> None:
    """Where nothing binds the body to the URL, a signature of the URL says nothing about it."""
    request = replace(signed_form([]), content_type=content_type)
    assert verify_outcome(request, b"") == "no_body_hash"


@pytest.mark.parametrize("position", ["before", "after"])
def test_a_url_may_have_had_a_hash_of_its_own(position: str) -> None:
    """Any bodySHA256 that is signed may be the one, wherever Twilio puts its own."""
    ours, own = f"bodySHA256={sha256(b'{}').hexdigest()}", "bodySHA256=configured"
    query = f"{own}&{ours}" if position == "before" else f"{ours}&{own}"
    url = f"{URL}?{query}"
    request = SignedRequest(url, signing.sign(url, TOKEN.secret), None, JSON)
    assert verified(request, b"{}").body == b"{}"
    assert verify_outcome(request, b"[]") == "body_hash_mismatch"


def test_the_hash_may_be_in_upper_case() -> None:
    """The hash is compared as a number, not as letters."""
    url = f"{URL}?bodySHA256={sha256(b'{}').hexdigest().upper()}"
    assert (
        verified(SignedRequest(url, signing.sign(url, TOKEN.secret), None, JSON), b"{}").body
        == b"{}"
    )


def test_an_empty_hash_binds_nothing() -> None:
    """A bodySHA256 without a value is no way around the comparison."""
    url = f"{URL}?bodySHA256="
    signature = signing.sign(url, TOKEN.secret)
    assert (
        verify_outcome(SignedRequest(url, signature, None, signing.FORM), b"")
        == "body_hash_mismatch"
    )


def test_a_content_types_parameters_do_not_matter() -> None:
    """A form is a form in any case and with a charset."""
    request = replace(
        signed_form([("é", "✓ ")]), content_type="Application/X-WWW-Form-URLEncoded; charset=UTF-8"
    )
    assert verified(request, urlencode([("é", "✓ ")]).encode()).key == TOKEN


@pytest.mark.parametrize("signature", [None, ""])
def test_a_missing_signature_is_told_as_such(signature: str | None) -> None:
    """A request that nobody signed is told from one that is signed otherwise."""
    assert verify_outcome(replace(signed_json(b"{}"), signature=signature), b"{}") == "no_signature"


@pytest.mark.parametrize("signed", [signed_json(b""), signed_form([])], ids=["json", "form"])
@pytest.mark.parametrize("text", ["é", "\udcff"])
def test_what_is_not_ascii_is_not_signed(signed: SignedRequest, text: str) -> None:
    """Text that no header and no URL can hold is refused, even if it has no bytes at all."""
    url, signature = signed.url.replace("app", text), text + (signed.signature or "")
    assert verify_outcome(replace(signed, url=url), b"") == "wrong_signature"
    assert verify_outcome(replace(signed, signature=signature), b"") == "wrong_signature"
