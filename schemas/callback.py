"""The inbound callback: its JSON document, and its head: everything except the sentences."""

import json
from typing import Any, NamedTuple

import orjson
from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing, validate

from schemas.additional import additional_members
from schemas.storable import INT_MAX, Composite, Identifier, Status, StorableDateTime, Text

# More than this is infinite as a float, and unusable in every member.
_MAX_INT_DIGITS = 400


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
        return json.loads(body, parse_constant=_reject_constant, parse_int=_parse_int)
    except json.JSONDecodeError as error:
        raise UndecodableError(f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise UndecodableError(f"not JSON: not {error.encoding} at byte {error.start}") from None
    except RecursionError:
        raise UndecodableError("not readable: nested too deeply") from None
    except ValueError:
        # The decoder's other errors.
        raise UndecodableError("not readable: NaN and Infinity are no JSON numbers") from None


def _reject_constant(name: str) -> Any:
    raise ValueError(name)


def _parse_int(digits: str) -> float:
    """Return the number; an infinity if Python refuses to read so many digits."""
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else float(digits)


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
        if not isinstance(value, list):
            raise ValidationError("Not an array of objects.")
        if set(map(type, value)) <= {dict}:
            return len(value)
        sentences = sum(isinstance(item, dict) for item in value)
        if not sentences:
            raise ValidationError("Not an array of objects.")

        return sentences


class Head(Schema):
    """The head of a callback, loaded with the names of the job's columns."""

    class Meta:
        """Accept unknown members: Twilio adds members without notice."""

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


class _InnerText(NamedTuple):
    """A text in a composite member that has a column of its own."""

    column: str
    composite: str  # the column of the composite
    member: str
    path: str  # as Twilio names it
    max_characters: int

    def load(self, columns: dict[str, Any]) -> tuple[str | None, dict[str, list[str]]]:
        """Return the text, and messages if it can't be used."""
        value = (columns.get(self.composite) or {}).get(self.member)
        if value is None or (isinstance(value, str) and len(value) <= self.max_characters):
            return value, {}

        return None, {self.path: [f"Not a string of at most {self.max_characters} characters."]}


_INNER_TEXTS = (
    _InnerText("conversation_url", "links", "conversation", "links.conversation", 2048),
    # An index row has at most 2704 bytes.
    _InnerText(
        "language", "resolved_configuration", "language", "resolvedConfiguration.language", 128
    ),
)


# The fields of the head by member, and the columns of these.
_FIELDS = {field.data_key or name: field for name, field in Head().load_fields.items()}
_COLUMNS = {member: str(field.name) for member, field in _FIELDS.items()}
_REQUIRED_MEMBERS = frozenset(member for member, field in _FIELDS.items() if field.required)


class LoadedHead(NamedTuple):
    """A callback's head with the names of the job's columns, and what of it can't be used.

    `unusable` has messages by member, which contain nothing of the values. The columns of these
    members are null or missing.
    """

    columns: dict[str, Any]
    unusable: dict[str, list[str]]


def load_head(document: dict[str, Any]) -> LoadedHead:
    """Return the head of a decoded callback.

    A job can't be stored without its id, account and status. Any other member may be unusable,
    because an odd member must not cost the transcript. Raises marshmallow.ValidationError.
    """
    columns, unusable = _load_members(document)
    if not _REQUIRED_MEMBERS.isdisjoint(unusable):
        raise ValidationError(unusable)
    for inner in _INNER_TEXTS:
        columns[inner.column], messages = inner.load(columns)
        unusable |= messages
    columns.pop("links", None)
    columns["additional"], left_out_count = load_additional(document)
    if left_out_count:
        unusable["other members"] = [f"{left_out_count} are too large, or can't be stored."]

    return LoadedHead(columns, unusable | _skipped_sentences(document, columns))


def _load_members(
    document: dict[str, Any],
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the columns of the members that can be used, and messages by member for the others.

    Each field is loaded by itself: Schema.load takes three more calls for each, and returns no
    columns if a member can't be used.
    """
    columns: dict[str, Any] = {}
    unusable: dict[str, list[str]] = {}
    for member, field in _FIELDS.items():
        if member not in document and not field.required:
            continue
        try:
            columns[_COLUMNS[member]] = field.deserialize(document.get(member, missing))
        except ValidationError as error:
            unusable[member] = error.messages  # type: ignore[assignment]  # of one field: a list

    return columns, unusable


def load_additional(document: dict[str, Any]) -> tuple[dict[str, Any] | None, int]:
    """Return the members of a decoded callback that the head doesn't have.

    schemas.additional says which. The number is that of the members that were left out.
    """
    return additional_members(document, _FIELDS)


def _skipped_sentences(document: dict[str, Any], columns: dict[str, Any]) -> dict[str, list[str]]:
    """Return a message if some items of the sentences aren't objects."""
    count = columns.get("sentences")
    skipped = 0 if count is None else len(document["sentences"]) - count

    return {"sentences": [f"{skipped} of them are not objects."]} if skipped else {}
