"""Tests of the file's format: it round-trips, and damage is detected."""

import hashlib
import json
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.spool.errors import CorruptFileError, RefusedFileError
from receiver.spool.file import COPIED_FIELDS, decode, encode
from receiver.spool.seal import Seal
from receiver.store.event import Event
from tests.support.spool_events import spool_event, unsealed_file, without_validation

SEAL = Seal([b"first key", b"second key"], is_signed=lambda _: False)

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
    assert decode(encode(validated, SEAL), SEAL) == without_validation(validated)


def test_file_has_every_field() -> None:
    """The file has every field of an event but the results of validation and the count."""
    written = {*COPIED_FIELDS, "sha256", "body", "received_at"}
    validation = {"job_id", "account_id", "head", "reason", "detail"}
    assert {field.name for field in fields(Event)} == written | validation | {"deliveries"}


def test_truncated_file_is_corrupt() -> None:
    """A file that is truncated at any byte is corrupt."""
    data = encode(spool_event(), SEAL)
    for length in range(len(data)):
        with pytest.raises(CorruptFileError):
            decode(data[:length], SEAL)


def test_file_with_a_changed_byte_is_corrupt() -> None:
    """A file with any changed byte, in head, body, seal or checksum, is corrupt."""
    data = bytearray(encode(spool_event(), SEAL))
    for position in range(len(data)):
        data[position] ^= 1
        with pytest.raises(CorruptFileError):
            decode(bytes(data), SEAL)
        data[position] ^= 1
    decode(bytes(data), SEAL)


def test_newer_format_is_reported() -> None:
    """The error names a newer format, so the operator sees why a file stays after a rollback."""
    content = encode(spool_event(), SEAL)[:-32].replace(b'"format": 2', b'"format": 3')
    with pytest.raises(CorruptFileError, match="format 3"):
        decode(content + hashlib.sha256(content).digest(), SEAL)


def test_time_of_receipt_is_exact() -> None:
    """The time of receipt is exact to the microsecond."""
    assert decode(encode(spool_event(), SEAL), SEAL).received_at == datetime(
        2026, 4, 2, 12, 0, 0, 123456, tzinfo=UTC
    )


def _with_checksum(content: bytes) -> bytes:
    return content + hashlib.sha256(content).digest()


def test_file_with_a_changed_byte_and_its_checksum_is_refused() -> None:
    """A changed byte is refused even if the checksum is made to match, which anybody can do."""
    data = bytearray(encode(spool_event(size=10), SEAL)[:-32])
    for position in range(len(data) - 64):
        data[position] ^= 1
        with pytest.raises((RefusedFileError, CorruptFileError)):
            decode(_with_checksum(bytes(data)), SEAL)
        data[position] ^= 1
    assert decode(_with_checksum(bytes(data)), SEAL) == without_validation(spool_event(size=10))


@pytest.mark.parametrize("kept", [b"first key", b"second key"])
def test_any_current_key_is_enough(kept: bytes) -> None:
    """A file is accepted as long as one of the keys that sealed it is a current one."""
    data = encode(spool_event(), SEAL)
    current = replace(SEAL, keys=[b"new key", kept])
    assert decode(data, current) == without_validation(spool_event())


@pytest.mark.parametrize("keys", [[], [b"new key"], [b"first key "]])
def test_other_keys_are_not_enough(keys: list[bytes]) -> None:
    """A file that none of the current keys has sealed is refused."""
    with pytest.raises(RefusedFileError):
        decode(encode(spool_event(), SEAL), replace(SEAL, keys=keys))


@pytest.mark.parametrize("is_signed", [True, False])
def test_signature_replaces_the_seal(*, is_signed: bool) -> None:
    """A file without a valid seal is accepted only if its event's signature verifies."""
    unsealed = replace(SEAL, keys=[])
    reader = replace(SEAL, is_signed=lambda event: is_signed and event.url is not None)
    for data in (encode(spool_event(), unsealed), unsealed_file(spool_event())):
        if is_signed:
            assert decode(data, reader) == without_validation(spool_event())
        else:
            with pytest.raises(RefusedFileError):
                decode(data, reader)


def test_seal_of_an_old_format_is_ignored() -> None:
    """A file of the earlier format can't contain a seal: what looks like one is its body."""
    content = encode(spool_event(), SEAL)[:-32].replace(b'"format": 2', b'"format": 1')
    with pytest.raises(RefusedFileError):
        decode(_with_checksum(content), SEAL)


_CHANGES: tuple[dict[str, object], ...] = (
    {"format": []},
    {"codes": -1},
    {"codes": 10**9},
    {"codes": 1.5},
    {"codes": None},
    {"sha256": "x"},
    {"sha256": 7},
    {"received_at": 7},
    {"received_at": "2026-04-02T12:00:00"},
    {"url": ["x"]},
    {"source": 7},
)
_LINE = json.loads(encode(spool_event(), SEAL).partition(b"\n")[0])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"1",
        b"{}",
        b"[" * 100_000,
        *(json.dumps(_LINE | change).encode() for change in _CHANGES),
    ],
)
def test_file_that_no_release_writes_is_refused(line: bytes) -> None:
    """A well-formed checksum over anything else than a callback is refused, without an error."""
    reader = replace(SEAL, is_signed=lambda _: True)
    with pytest.raises(RefusedFileError):
        decode(_with_checksum(line + b"\n{}"), reader)
