"""Tests of signature verification: the published vectors, the body's hash, and forms."""

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
def test_published_vectors_are_verified(vector: dict[str, Any]) -> None:
    """Each vector from the test suites of Twilio's SDKs has the result that they assert."""
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
    "invalidate",
    [
        lambda request: replace(request, signature=None),
        lambda request: replace(request, signature=""),
        lambda request: replace(request, signature="x" + (request.signature or "")),
        lambda request: replace(request, settings="nonsense"),
        lambda request: replace(request, url=request.url + "0"),
        lambda request: replace(request, url=URL),
    ],
)
def test_invalid_signature_is_rejected_before_the_body_is_read(
    invalidate: Callable[[SignedRequest], SignedRequest],
) -> None:
    """A wrong signature, settings header or URL is rejected before the body is read."""
    with pytest.raises(SignatureError):
        authenticate(invalidate(signed_json(b"{}")), KEYS)


@pytest.mark.parametrize("content_type", [None, JSON, "text/plain", signing.FORM])
def test_body_hash_is_compared_for_every_content_type(content_type: str | None) -> None:
    """The body's hash is compared, even if the body claims to be a form."""
    request = replace(signed_json(b"a=1"), content_type=content_type)
    assert verified(request, b"a=1").digest == sha256(b"a=1").digest()
    assert verify_outcome(request, b"a=1&a=1") == "body_hash_mismatch"


@pytest.mark.parametrize("content_type", [None, "", JSON, "multipart/form-data"])
def test_body_without_hash_is_rejected_unless_it_is_a_form(content_type: str | None) -> None:
    """A body that isn't a form is rejected if the URL doesn't contain its hash."""
    request = replace(signed_form([]), content_type=content_type)
    assert verify_outcome(request, b"") == "no_body_hash"


@pytest.mark.parametrize("position", ["before", "after"])
def test_url_may_contain_another_hash(position: str) -> None:
    """A URL verifies if any of its bodySHA256 parameters is the body's hash."""
    valid, other = f"bodySHA256={sha256(b'{}').hexdigest()}", "bodySHA256=configured"
    query = f"{other}&{valid}" if position == "before" else f"{valid}&{other}"
    url = f"{URL}?{query}"
    request = SignedRequest(url, signing.sign(url, TOKEN.secret), None, JSON)
    assert verified(request, b"{}").body == b"{}"
    assert verify_outcome(request, b"[]") == "body_hash_mismatch"


def test_body_hash_may_be_in_upper_case() -> None:
    """The hash in the URL may be written in upper case."""
    url = f"{URL}?bodySHA256={sha256(b'{}').hexdigest().upper()}"
    assert (
        verified(SignedRequest(url, signing.sign(url, TOKEN.secret), None, JSON), b"{}").body
        == b"{}"
    )


def test_empty_body_hash_is_rejected() -> None:
    """An empty bodySHA256 doesn't match any body, not even a form."""
    url = f"{URL}?bodySHA256="
    signature = signing.sign(url, TOKEN.secret)
    assert (
        verify_outcome(SignedRequest(url, signature, None, signing.FORM), b"")
        == "body_hash_mismatch"
    )


def test_content_type_parameters_are_ignored() -> None:
    """A form is recognized in any letter case and with a charset."""
    request = replace(
        signed_form([("é", "✓ ")]), content_type="Application/X-WWW-Form-URLEncoded; charset=UTF-8"
    )
    assert verified(request, urlencode([("é", "✓ ")]).encode()).key == TOKEN


@pytest.mark.parametrize("signature", [None, ""])
def test_missing_signature_has_its_own_reason(signature: str | None) -> None:
    """A missing signature is reported as such, and not as a wrong one."""
    assert verify_outcome(replace(signed_json(b"{}"), signature=signature), b"{}") == "no_signature"


@pytest.mark.parametrize("signed", [signed_json(b""), signed_form([])], ids=["json", "form"])
@pytest.mark.parametrize("text", ["é", "\udcff"])
def test_non_ascii_url_or_signature_is_rejected(signed: SignedRequest, text: str) -> None:
    """A URL or signature with characters outside ASCII is rejected."""
    url, signature = signed.url.replace("app", text), text + (signed.signature or "")
    assert verify_outcome(replace(signed, url=url), b"") == "wrong_signature"
    assert verify_outcome(replace(signed, signature=signature), b"") == "wrong_signature"
