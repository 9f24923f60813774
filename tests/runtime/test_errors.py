"""Descriptions of errors for the log."""

import re

import pytest

from receiver.runtime.errors import SafeMessageError, describe, locate
from receiver.signatures.form import MAX_FIELDS, signed_fields
from receiver.signatures.matching import SignatureError
from receiver.signatures.signature import SignedRequest, authenticate


def test_an_error_of_a_library_names_our_own_line_too() -> None:
    """The operator reads where the library failed, and which line of the service called it."""
    with pytest.raises(ValueError, match="fields") as raised:
        signed_fields(b"a&" * (MAX_FIELDS + 1))
    located = locate(raised.value)
    assert re.fullmatch(
        r"ValueError in \S+/urllib/parse\.py:\d+, called in \S+/signatures/form\.py:\d+", located
    )


def test_an_error_of_ours_names_one_line() -> None:
    """Nothing is said twice where our own code raised it."""
    with pytest.raises(SignatureError) as raised:
        authenticate(SignedRequest("https://app.example.com", None, None, None), [])
    located = locate(raised.value)
    assert re.fullmatch(r"SignatureError in \S+/signatures/signature\.py:\d+", located)


def test_a_safe_message_is_shown() -> None:
    """Its text is the service's own, so the log has it."""
    assert locate(SafeMessageError("no answer within 3 s")) == "no answer within 3 s"


def test_an_error_that_was_not_raised_has_no_place() -> None:
    """Its class is all that is known of it."""
    assert locate(KeyError("Jane")) == describe(KeyError("Jane")) == "KeyError"
