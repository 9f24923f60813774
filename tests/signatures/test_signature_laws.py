"""The signature's verdict held against an independent signer, for whatever may be signed."""

from dataclasses import dataclass, replace
from hashlib import sha256
from string import ascii_letters
from urllib.parse import quote_plus, urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.settings.keys import Algorithm, SigningKey
from receiver.signatures.signature import SignedRequest, Verified
from tests.support import signing
from tests.support.signed import (
    KEYS,
    SHARED,
    URL,
    Fields,
    settings_header,
    signed_form,
    signed_json,
    verify_outcome,
)


@dataclass(frozen=True)
class Address:
    """A URL in parts, so that its spellings need no parsing."""

    scheme: str
    user: str
    host: str
    port: str
    target: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.user}{self.host}{self.port}{self.target}"

    def spellings(self) -> set[str]:
        """Return every URL that Twilio may have signed when it called this one."""
        default = {"https": ":443", "http": ":80"}[self.scheme]
        targets = self.target, self.target.replace("'", "%27"), self.target.replace("%27", "'")

        return {
            str(replace(self, port=port, target=target))
            for port in (self.port, "" if self.port else default)
            for target in targets
        }


PARTS = {
    "scheme": st.sampled_from(["https", "http"]),
    "user": st.sampled_from(["", "user@", "user:pw@", "user:8443@", "u%40:@"]),
    "host": st.sampled_from(["app.example.com", "APP.example.com", "127.0.0.1", "[::1]", "[::8]"]),
    "port": st.sampled_from(["", "", ":80", ":443", ":8443"]),
    "target": st.lists(st.sampled_from([*"/?&=+:@;.~[]aZ", "//", "'", "%27", "%2f", "%2F"])).map(
        lambda pieces: "/" + "".join(pieces)
    ),
}
ADDRESSES = st.builds(Address, **PARTS)
CHANGES = st.one_of(*(st.fixed_dictionaries({name: part}) for name, part in PARTS.items()))
ALGORITHMS: list[Algorithm] = ["HMAC_SHA1", "HMAC_SHA256"]
SECRETS = st.text(ascii_letters, min_size=1)
KEY_RINGS = st.lists(
    st.tuples(SECRETS, st.sampled_from(ALGORITHMS)),
    min_size=1,
    max_size=4,
    unique_by=lambda key: key[0],
).map(
    lambda ring: [SigningKey(f"key-{n}", secret, which) for n, (secret, which) in enumerate(ring)]
)
FIELDS = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=6)


@settings(deadline=None)
@given(st.data(), ADDRESSES, KEY_RINGS, st.binary())
def test_what_twilio_signs_verifies(
    data: st.DataObject, address: Address, keys: list[SigningKey], body: bytes
) -> None:
    """A body bound to its URL verifies by the key that signed it, whichever spelling was signed."""
    key = data.draw(st.sampled_from(keys))
    spelling = data.draw(st.sampled_from(sorted(address.spellings())))
    request = replace(
        signed_json(body, key, url=spelling), url=signing.with_body_hash(str(address), body)
    )
    assert verify_outcome(request, body, *keys) == Verified(
        request, key, body, sha256(body).digest(), is_form=False
    )


@settings(deadline=None)
@given(st.data(), ADDRESSES, KEY_RINGS, FIELDS)
def test_the_forms_that_twilio_signs_verify(
    data: st.DataObject, address: Address, keys: list[SigningKey], fields: Fields
) -> None:
    """A form verifies by the key that signed it, whichever spelling of the URL was signed."""
    key = data.draw(st.sampled_from(keys))
    spelling = data.draw(st.sampled_from(sorted(address.spellings())))
    body = urlencode(fields).encode()
    result = verify_outcome(
        replace(signed_form(fields, key, url=spelling), url=str(address)), body, *keys
    )
    assert isinstance(result, Verified)
    assert (result.key, result.body) == (key, body)


@settings(deadline=None)
@given(ADDRESSES, CHANGES, st.binary())
def test_another_url_verifies_only_as_a_spelling(
    address: Address, change: dict[str, str], body: bytes
) -> None:
    """With any part changed it verifies exactly where the signed URL is a spelling of the new."""
    called = replace(address, **change)
    request = replace(
        signed_json(body, url=str(address)), url=signing.with_body_hash(str(called), body)
    )
    assert (verify_outcome(request, body) != "wrong_signature") == (
        str(address) in called.spellings()
    )


@settings(deadline=None)
@given(FIELDS, FIELDS)
def test_another_form_verifies_only_as_the_same_string(signed: Fields, sent: Fields) -> None:
    """A form verifies exactly where the independent signer would sign it the same."""
    result = verify_outcome(signed_form(signed), urlencode(sent).encode())
    same = signing.sign(URL, "", form=signed) == signing.sign(URL, "", form=sent)
    assert (result != "wrong_signature") == same


@settings(deadline=None)
@given(st.data(), st.binary(min_size=1), st.sampled_from(KEYS))
def test_one_changed_byte_is_refused(data: st.DataObject, body: bytes, key: SigningKey) -> None:
    """Change one character of URL, signature, secret or body, and it verifies no more."""
    request = signed_json(body, key)

    def changed(text: str) -> str:
        at = data.draw(st.integers(0, len(text) - 1))
        new = data.draw(st.characters(codec="latin-1").filter(lambda c: c != text[at]))

        return text[:at] + new + text[at + 1 :]

    other_body = changed(body.decode("latin-1")).encode("latin-1")
    other_key = replace(key, secret=changed(key.secret))
    assert verify_outcome(request, body, key) == Verified(
        request, key, body, sha256(body).digest(), is_form=False
    )
    assert verify_outcome(request, other_body, key) == "body_hash_mismatch"
    assert verify_outcome(request, body, other_key) == "wrong_signature"
    assert verify_outcome(replace(request, signature=changed(request.signature or "")), body) == (
        "wrong_signature"
    )
    assert isinstance(verify_outcome(replace(request, url=changed(request.url)), body), str)


HOSTILE = st.text(st.characters())  # lone surrogates too
HEADER = st.none() | HOSTILE


@settings(deadline=None)
@given(
    request=st.builds(
        SignedRequest,
        url=HOSTILE | HOSTILE.map((URL + "?bodySHA256=").__add__) | ADDRESSES.map(str),
        signature=HEADER,
        settings=HEADER
        | st.sampled_from([settings_header(SHARED), "key=,algorithm=", "key,algorithm"]),
        content_type=HEADER | st.just(signing.FORM),
    ),
    body=st.binary() | HOSTILE.map(lambda text: quote_plus(text, errors="surrogatepass").encode()),
)
def test_nothing_raises_anything_else(request: SignedRequest, body: bytes) -> None:
    """Whatever comes from outside is refused with a reason."""
    assert isinstance(verify_outcome(request, body), str)


@settings(deadline=None)
@given(st.binary())
def test_a_form_may_hold_any_bytes(body: bytes) -> None:
    """Whatever bytes come as a form, an empty form's signature verifies only empty fields."""
    result = verify_outcome(signed_form([]), body)
    assert result == "wrong_signature" or not body.strip(b"&=")
