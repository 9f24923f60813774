"""The file's format: what goes in comes out, or is told as damaged."""

import hashlib
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.spool.file import COPIED_FIELDS, CorruptFileError, decode, encode
from receiver.store.event import Event
from tests.support.spool_events import spool_event, without_validation

# Lone surrogates too: what a header holds needn't be valid text.
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
def test_what_is_encoded_is_decoded(judged: Event) -> None:
    """Body and headers come back exactly, and nothing of what was judged."""
    assert decode(encode(judged)) == without_validation(judged)


def test_no_field_is_forgotten() -> None:
    """Every field of an event is in the file but the judgement, and the count, which is one."""
    written = {*COPIED_FIELDS, "sha256", "body", "received_at"}
    judgement = {"job_id", "account_id", "head", "reason", "detail"}
    assert {each.name for each in fields(Event)} == written | judgement | {"deliveries"}


def test_every_truncation_is_told() -> None:
    """Wherever the file ends too early, it is damaged."""
    data = encode(spool_event())
    for length in range(len(data)):
        with pytest.raises(CorruptFileError):
            decode(data[:length])


def test_every_changed_byte_is_told() -> None:
    """Whichever byte is another, in head, body or checksum, the file is damaged."""
    data = bytearray(encode(spool_event()))
    for position in range(len(data)):
        data[position] ^= 1
        with pytest.raises(CorruptFileError):
            decode(bytes(data))
        data[position] ^= 1
    decode(bytes(data))


def test_a_newer_format_is_told_as_such() -> None:
    """After a release was rolled back, the operator reads why a file stays."""
    content = encode(spool_event())[:-32].replace(b'"format": 1', b'"format": 2')
    with pytest.raises(CorruptFileError, match="format 2"):
        decode(content + hashlib.sha256(content).digest())


def test_the_moment_is_exact() -> None:
    """The microsecond of the receipt survives."""
    assert decode(encode(spool_event())).received_at == datetime(
        2026, 4, 2, 12, 0, 0, 123456, tzinfo=UTC
    )
