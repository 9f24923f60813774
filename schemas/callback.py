"""The inbound callback: its JSON document, and its head: everything except the sentences."""

import json
from typing import Any

import orjson
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

from schemas.storable import INT_MAX, Composite, Identifier, Status, StorableDateTime, Text


class UndecodableError(ValueError):
    """The body isn't a JSON object; the message says why, and contains nothing of the body."""


def decode(body: bytes) -> dict[str, Any]:
    """Return the callback's document in its flat shape; Twilio may also send it in an envelope.

    Raises UndecodableError if the body isn't a JSON object.
    """
    try:
        # orjson reads integers of more than 64 bits as floats. The body keeps what was sent.
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        # The standard library accepts more than orjson, and its errors are more precise.
        document = _decode_slowly(body)
    if not isinstance(document, dict):
        raise UndecodableError("not a JSON object")

    return _unwrap(document)


def _decode_slowly(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        raise UndecodableError(f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise UndecodableError(f"not JSON: not {error.encoding} at byte {error.start}") from None
    except RecursionError:
        raise UndecodableError("not readable: nested too deeply") from None
    except ValueError:
        # The decoder's other errors: a number with too many digits, NaN.
        raise UndecodableError("not readable: a number that JSON or Python doesn't allow") from None


def _reject_constant(name: str) -> Any:
    raise ValueError(name)


def _unwrap(document: dict[str, Any]) -> dict[str, Any]:
    """Return the flat shape of `{operationId, status, statusUrl, transcription: {…}}`.

    A document without this envelope is returned as it is.
    """
    inner = document.get("transcription")
    if not isinstance(inner, dict):
        return document

    return {key: value for key, value in document.items() if key != "transcription"} | inner


class _Sentences(fields.Field[int]):
    """The number of sentences. A sentence's members are validated only when it is rendered."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # noqa: ARG002 - marshmallow's signature
        if not isinstance(value, list) or not set(map(type, value)) <= {dict}:
            raise ValidationError("Not an array of objects.")

        return len(value)


class Head(Schema):
    """The head of a callback, loaded with the names of the job's columns."""

    class Meta:
        """Ignore unknown members: Twilio adds members without notice, and the body keeps them."""

        unknown = EXCLUDE

    id = Identifier(required=True)
    account_id = Identifier(required=True, data_key="accountId")
    status = Status(required=True)
    configuration_id = Identifier(data_key="transcriptionConfigurationId", allow_none=True)
    source_id = Identifier(data_key="sourceId", allow_none=True)
    media_url = Text(data_key="mediaUrl", allow_none=True)
    conversation_id = Identifier(data_key="conversationId", allow_none=True)
    duration = fields.Integer(validate=validate.Range(0, INT_MAX), allow_none=True)
    audio_started_at = StorableDateTime(data_key="audioStartedAt", allow_none=True)
    participants = Composite(list, allow_none=True)
    resolved_configuration = Composite(dict, data_key="resolvedConfiguration", allow_none=True)
    links = Composite(dict, allow_none=True)
    created_at = StorableDateTime(data_key="createdAt", allow_none=True)
    updated_at = StorableDateTime(data_key="updatedAt", allow_none=True)
    sentences = _Sentences(allow_none=True)

    @post_load
    def _extract_columns(self, head: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add the inner members that have a column of their own."""
        links = head.pop("links", None) or {}
        head["conversation_url"] = _inner_text(links, "conversation", "links", 2048)
        resolved = head.get("resolved_configuration") or {}
        # An index row has at most 2704 bytes.
        head["language"] = _inner_text(resolved, "language", "resolvedConfiguration", 128)

        return head


def _inner_text(
    composite: dict[str, Any], member: str, path: str, max_characters: int
) -> str | None:
    value = composite.get(member)
    if value is None or (isinstance(value, str) and len(value) <= max_characters):
        return value

    raise ValidationError(
        f"Not a string of at most {max_characters} characters.", f"{path}.{member}"
    )
