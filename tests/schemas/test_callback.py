"""Tests of the head of a callback, compared with what its schema loads."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, validate

from schemas.callback import Head, UndecodableError, decode, load_head
from schemas.storable import ID_PATTERN, Identifier
from tests.support.bodies import bodies


class PlainIds(Schema):
    """An id by marshmallow's own means."""

    id = fields.String(validate=validate.Regexp(rf"{ID_PATTERN}\Z"), allow_none=True)


class Ids(Schema):
    """An id."""

    id = Identifier(allow_none=True)


def outcome(schema: Schema, document: dict[str, Any]) -> Any:
    """Return what the schema loads, or its messages."""
    try:
        return schema.load(document)
    except ValidationError as error:
        return error.messages


@given(bodies())
def test_head_is_what_its_schema_loads(body: bytes) -> None:
    """The columns and the messages are those of the schema, without the unusable members."""
    try:
        document = decode(body)
    except UndecodableError:
        assume(False)  # noqa: FBT003 - hypothesis's own signature
    messages = Head().validate(document)
    if messages.keys() & {"id", "accountId", "status"}:
        with pytest.raises(ValidationError) as raised:
            load_head(document)
        assert raised.value.messages == messages
        return
    head = load_head(document)
    usable = {name: value for name, value in document.items() if name not in messages}
    columns = Head().load(usable)
    columns.pop("links", None)
    assert head.columns.items() >= columns.items()
    assert head.columns.keys() - columns.keys() <= {"conversation_url", "language", "additional"}
    assert head.unusable.items() >= messages.items()


@given(st.text() | st.from_regex(ID_PATTERN) | st.sampled_from([None, 1, b"a", [], "a" * 129]))
def test_id_is_what_its_validator_accepts(value: object) -> None:
    """An id is accepted, or refused with the same message, as by marshmallow's own validator."""
    assert outcome(Ids(), {"id": value}) == outcome(PlainIds(), {"id": value})
