"""Tests of the file's format: it round-trips, and damage is detected."""

import hashlib
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.spool.file import COPIED_FIELDS, CorruptFileError, decode, encode
from receiver.store.event import Event
from tests.support.spool_events import spool_event, without_validation

# Lone surrogates too: a header needn't be valid text.
texts = st.none() | st.text(st.characters())
events = st.builds(
    Event,
    sha256=st.binary(min_size=32, max_size=32),
    source=st.sampled_from(["callback", "fetch"]),
    body=st.binary(),
    received_at=st.datetimes(timezones=st.just(UTC)),
    job_id=texts,
    account_id=texts,
    head=st.none() | st.just({"id": "job"}),
    content_type=texts,
    idempotency_token=texts,
    key_id=texts,
    url=texts,
    signature=texts,
    signature_settings=texts,
)


@given(events)
def test_encoded_event_is_decoded(validated: Event) -> None:
    """Decoding restores body and headers exactly, and drops the result of validation."""
    assert decode(encode(validated)) == without_validation(validated)


def test_file_has_every_field() -> None:
    """The file has every field of an event but the results of validation and the count."""
    written = {*COPIED_FIELDS, "sha256", "body", "received_at"}
    validation = {"job_id", "account_id", "head", "reason", "detail"}
    assert {field.name for field in fields(Event)} == written | validation | {"deliveries"}


def test_truncated_file_is_corrupt() -> None:
    """A file that is truncated at any byte is corrupt."""
    data = encode(spool_event())
    for length in range(len(data)):
        with pytest.raises(CorruptFileError):
            decode(data[:length])


def test_file_with_a_changed_byte_is_corrupt() -> None:
    """A file with any changed byte, in head, body or checksum, is corrupt."""
    data = bytearray(encode(spool_event()))
    for position in range(len(data)):
        data[position] ^= 1
        with pytest.raises(CorruptFileError):
            decode(bytes(data))
        data[position] ^= 1
    decode(bytes(data))


def test_newer_format_is_reported() -> None:
    """The error names a newer format, so the operator sees why a file stays after a rollback."""
    content = encode(spool_event())[:-32].replace(b'"format": 1', b'"format": 2')
    with pytest.raises(CorruptFileError, match="format 2"):
        decode(content + hashlib.sha256(content).digest())


def test_time_of_receipt_is_exact() -> None:
    """The time of receipt is exact to the microsecond."""
    assert decode(encode(spool_event())).received_at == datetime(
        2026, 4, 2, 12, 0, 0, 123456, tzinfo=UTC
    )
