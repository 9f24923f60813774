"""Tests of queries that were signed with other escapes than they were sent with."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.signatures.matching import body_hashes
from receiver.signatures.query import query_spellings
from receiver.signatures.signature import SignedRequest, Verified
from tests.support import signing
from tests.support.signed import JSON, TOKEN, URL, verify_outcome

BODY = b"{}"
HASH = re.compile("[0-9a-f]{64}")


def _outcome(signed: str, sent: str) -> Verified | str:
    """Return the outcome for a callback whose URL was signed with one query, and sent with one."""
    signature = signing.sign(signing.with_body_hash(f"{URL}?{signed}", BODY), TOKEN.secret)
    called = signing.with_body_hash(f"{URL}?{sent}", BODY)

    return verify_outcome(SignedRequest(called, signature, None, JSON), BODY)


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("user=a@b.example", "user=a%40b.example"),
        ("at=12:30", "at=12%3A30"),
        ("name=Call%20Center", "name=Call+Center"),
        ("name=Call+Center", "name=Call%20Center"),
        ("name=Call Center", "name=Call%20Center"),
        ("name=Jörg", "name=J%C3%B6rg"),
        ("token=a+b/c==", "token=a%2Bb%2Fc%3D%3D"),
        ("ids[]=1,2", "ids%5B%5D=1%2C2"),
        ("quote='x'", "quote=%27x%27"),
        ("safe=a%26b&user=a@b", "safe=a%26b&user=a%40b"),
        ("flag&user=a@b", "flag&user=a%40b"),
    ],
)
def test_other_escapes_verify(signed: str, sent: str) -> None:
    """A query that was signed as it is and sent escaped verifies; so does the reverse."""
    assert isinstance(_outcome(signed, sent), Verified)
    if "+" not in signed or "%20" in sent:  # a `+` that is sent may also be a space
        assert isinstance(_outcome(sent, signed), Verified)


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("a=1&b=2", "b=2&a=1"),
        ("a=1&b=2", "a=1%26b=2"),
        ("a=b=c", "a%3Db=c"),
        ("a=%2525", "a=%25"),
        ("A=1", "a=1"),
        ("a=1", "a=1&"),
        ("a=%2f@", "a=%2F%40"),
        ("a=%ff@", "a=%FF%40"),
    ],
)
def test_other_query_does_not_verify(signed: str, sent: str) -> None:
    """Another order, other parameters or a mixture of spellings doesn't verify."""
    assert _outcome(signed, sent) == "wrong_signature"


def test_plain_query_has_one_spelling() -> None:
    """An ordinary callback's query has no other spelling, so it costs no further signature."""
    assert query_spellings(f"job=order-7&bodySHA256={'a' * 64}") == []


_pieces = st.sampled_from(
    [
        *("bodySHA256=" + "a" * 64, "bodySHA256=" + "b" * 64, "bodySHA256%3D" + "c" * 64),
        *("%62odySHA256=" + "d" * 64, "&", "=", "%26", "%3D", "+", "%20", "%25", "@", "%40", "x"),
        *("\ud800", "ö", "%C3", "\n"),
    ]
)


@given(st.lists(_pieces).map("".join))
def test_every_spelling_has_the_body_hashes_of_the_query(query: str) -> None:
    """A spelling has the same parameters, so what is signed includes each body's hash."""
    hashes = [value for value in body_hashes(f"?{query}") if HASH.fullmatch(value)]
    for spelling in query_spellings(query):
        assert spelling.count("&") == query.count("&")
        assert [each for each in body_hashes(f"?{spelling}") if each in hashes] == hashes
