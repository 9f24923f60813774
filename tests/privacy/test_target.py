"""Tests of an address as people write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.privacy.target import ending_digits, is_e164, normalize_address

NUMBER = "+4915112345678"


@pytest.mark.parametrize(
    "written",
    [
        NUMBER,
        "+49 (0)151 123 456 78",
        "0049-151/12345678",
        "tel:+49.151.12345678",
        "\u202a+49\u00a0151\u00a012345678\u202c",
    ],
)
def test_number_with_its_country_code(written: str) -> None:
    """A number with its country code has one form, however it is written."""
    assert normalize_address(written) == NUMBER
    assert ending_digits(written) is None


@pytest.mark.parametrize("written", ["0151 12345678", "(0151) 123-45678", "151 12345678"])
def test_number_without_its_country_code(written: str) -> None:
    """Without its country code a number stays as it is, and the digits of its end are known."""
    assert normalize_address(written) == written
    assert ending_digits(written) == NUMBER.removeprefix("+49")


@pytest.mark.parametrize("other", ["client:jane", "sip:+14155550100@example.com", "12345", "Jane"])
def test_other_address(other: str) -> None:
    """An address that isn't a phone number stays as it is."""
    assert normalize_address(other) == other
    assert ending_digits(other) is None


@given(st.text() | st.from_regex(r"(\+|00)?[0-9 ().-]*", fullmatch=True))
def test_form_is_final(text: str) -> None:
    """What has been normalized doesn't change again, and is E.164 or as it was written."""
    address = normalize_address(text)
    assert normalize_address(address) == address
    assert is_e164(address) or address == text
