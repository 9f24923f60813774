"""Property tests of the verification, compared with an independent signer."""

import itertools
import re
from collections.abc import Iterator
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
    """A URL in parts, so that its spellings can be built without a parser."""

    scheme: str
    user: str
    host: str
    port: str
    target: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.user}{self.host}{self.port}{self.target}"

    def spellings(self) -> set[str]:
        """Return every spelling of this URL that Twilio may have signed."""
        default = {"https": ":443", "http": ":80"}[self.scheme]
        path, question_mark, query = self.target.partition("?")
        targets = (
            *(self.target, self.target.replace("'", "%27"), self.target.replace("%27", "'")),
            *(path + question_mark + respelled for respelled in _respell(query)),
        )

        return {
            str(replace(self, port=port, target=target))
            for port in (self.port, "" if self.port else default)
            for target in targets
        }


# How each spelling of a query writes a character that it doesn't escape, in a value: all
# characters that the targets below may have.
_UNESCAPED = {
    "decoded": set("/?=+:@;.~[]aZ' "),
    "readable": set("/?=:@;.~aZ'"),
    "strict": set(".~aZ'"),
}
_TOKEN = re.compile("%[0-9A-Fa-f]{2}|.")


def _respell(query: str) -> Iterator[str]:
    """Yield the spellings of a query, made character by character."""
    for kind, space in itertools.product(_UNESCAPED, ("%20", "+")):
        yield "&".join(
            "=".join(
                _respell_text(text, _UNESCAPED[kind] - ({"="} if is_name else set()), space, kind)
                for is_name, text in zip((True, False), parameter.split("=", 1), strict=False)
            )
            for parameter in query.split("&")
        )


def _respell_text(text: str, unescaped: set[str], space: str, kind: str) -> str:
    def spell(token: str) -> str:
        character = chr(int(token[1:], 16)) if token[0] == "%" and len(token) == 3 else token
        if kind != "decoded" and (token == "+" or character == " "):
            return space

        return character if character in unescaped else f"%{ord(character):02X}"

    return "".join(map(spell, _TOKEN.findall(text)))


PARTS = {
    "scheme": st.sampled_from(["https", "http"]),
    "user": st.sampled_from(["", "user@", "user:pw@", "user:8443@", "u%40:@"]),
    "host": st.sampled_from(["app.example.com", "APP.example.com", "127.0.0.1", "[::1]", "[::8]"]),
    "port": st.sampled_from(["", "", ":80", ":443", ":8443"]),
    "target": st.lists(
        st.sampled_from(
            [*"/?&=+:@;.~[]aZ", "//", "'", "%27", "%2f", "%2F", "%20", "%2B", "%26", "%3D", "%40"]
        )
    ).map(lambda pieces: "/" + "".join(pieces)),
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
def test_signed_json_verifies(
    data: st.DataObject, address: Address, keys: list[SigningKey], body: bytes
) -> None:
    """A signed JSON body verifies with its key for every spelling of the URL."""
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
def test_signed_form_verifies(
    data: st.DataObject, address: Address, keys: list[SigningKey], fields: Fields
) -> None:
    """A signed form verifies with its key for every spelling of the URL."""
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
def test_changed_url_verifies_only_as_a_spelling(
    address: Address, change: dict[str, str], body: bytes
) -> None:
    """A changed URL verifies exactly if the signed URL is one of its spellings."""
    called = replace(address, **change)
    request = replace(
        signed_json(body, url=str(address)), url=signing.with_body_hash(str(called), body)
    )
    assert (verify_outcome(request, body) != "wrong_signature") == (
        str(address) in called.spellings()
    )


@settings(deadline=None)
@given(FIELDS, FIELDS)
def test_changed_form_verifies_only_with_the_same_signature(signed: Fields, sent: Fields) -> None:
    """A changed form verifies exactly if the independent signer gives it the same signature."""
    result = verify_outcome(signed_form(signed), urlencode(sent).encode())
    same = signing.sign(URL, "", form=signed) == signing.sign(URL, "", form=sent)
    assert (result != "wrong_signature") == same


@settings(deadline=None)
@given(st.data(), st.binary(min_size=1), st.sampled_from(KEYS))
def test_one_changed_character_is_rejected(
    data: st.DataObject, body: bytes, key: SigningKey
) -> None:
    """A request with one changed character in URL, signature, secret or body is rejected."""
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
def test_any_request_is_rejected_with_a_reason(request: SignedRequest, body: bytes) -> None:
    """Any unsigned request is rejected with a reason and raises nothing else."""
    assert isinstance(verify_outcome(request, body), str)


@settings(deadline=None)
@given(st.binary())
def test_empty_form_signature_verifies_only_empty_forms(body: bytes) -> None:
    """The signature of an empty form verifies no form with fields, whatever its bytes."""
    result = verify_outcome(signed_form([]), body)
    assert result == "wrong_signature" or not body.strip(b"&=")
