"""The inbound callback: its JSON document, and the head, which is all of it but the sentences."""

import json
from typing import Any

import orjson
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

from schemas.storable import INT_MAX, Composite, Identifier, Moment, Status, Text


class UndecodableError(ValueError):
    """The body isn't a JSON object; the text says why, and holds nothing of the body."""


def decode(body: bytes) -> dict[str, Any]:
    """Return the callback's document in its flat shape, whichever of the two Twilio sent.

    Raises UndecodableError if the body isn't a JSON object.
    """
    try:
        # An integer beyond 64 bits is a float to it; the body keeps what was sent.
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        # It is the stricter and the terser one: the slower takes what it doesn't, or says why not.
        document = _document(body)
    if not isinstance(document, dict):
        raise UndecodableError("not a JSON object")

    return _flat(document)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UndecodableError(f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise UndecodableError(f"not JSON: not {error.encoding} at byte {error.start}") from None
    except RecursionError:
        raise UndecodableError("not readable: nested too deeply") from None
    except ValueError:
        # The decoder's other complaints (a number of too many digits, NaN).
        raise UndecodableError("not readable: a number that JSON or Python doesn't allow") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    """Take a REST envelope `{operationId, status, statusUrl, transcription: {…}}` apart."""
    inner = document.get("transcription")
    if not isinstance(inner, dict):
        return document

    return {key: value for key, value in document.items() if key != "transcription"} | inner


class _Sentences(fields.Field[int]):
    """The count of the sentences; each one is looked at when it is read, not before."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # noqa: ARG002 - marshmallow's signature
        if not isinstance(value, list) or not set(map(type, value)) <= {dict}:
            raise ValidationError("Not an array of objects.")

        return len(value)


class Head(Schema):
    """The head of a callback, loaded into the names of the job's columns.

    Unknown members aren't refused: Twilio adds them without notice, and the body keeps them.
    """

    class Meta:
        """Let unknown members pass."""

        unknown = EXCLUDE

    id = Identifier(required=True)
    account_id = Identifier(required=True, data_key="accountId")
    status = Status(required=True)
    configuration_id = Identifier(data_key="transcriptionConfigurationId", allow_none=True)
    source_id = Identifier(data_key="sourceId", allow_none=True)
    media_url = Text(data_key="mediaUrl", allow_none=True)
    conversation_id = Identifier(data_key="conversationId", allow_none=True)
    duration = fields.Integer(validate=validate.Range(0, INT_MAX), allow_none=True)
    audio_started_at = Moment(data_key="audioStartedAt", allow_none=True)
    participants = Composite(list, allow_none=True)
    resolved_configuration = Composite(dict, data_key="resolvedConfiguration", allow_none=True)
    links = Composite(dict, allow_none=True)
    created_at = Moment(data_key="createdAt", allow_none=True)
    updated_at = Moment(data_key="updatedAt", allow_none=True)
    sentences = _Sentences(allow_none=True)

    @post_load
    def _draw_out(self, head: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Take out of the composite members what has a column of its own."""
        links = head.pop("links", None) or {}
        head["conversation_url"] = _text(links, "conversation", "links", 2048)
        resolved = head.get("resolved_configuration") or {}
        # An index row holds 2704 bytes at most.
        head["language"] = _text(resolved, "language", "resolvedConfiguration", 128)

        return head


def _text(composite: dict[str, Any], member: str, path: str, longest: int) -> str | None:
    value = composite.get(member)
    if value is None or (isinstance(value, str) and len(value) <= longest):
        return value

    raise ValidationError(f"Not a string of at most {longest} characters.", f"{path}.{member}")
