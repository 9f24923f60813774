"""The request that submits a job: Twilio's own body, with the rules of Twilio's resource.

What only Twilio knows (whether the recording and the configuration exist) is not checked here.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from marshmallow import (
    RAISE,
    Schema,
    ValidationError,
    fields,
    post_dump,
    validate,
    validates_schema,
)

from schemas.storable import StorableDateTime, Text

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)

TYPES = ("CUSTOMER", "HUMAN_AGENT", "AI_AGENT")
CHANNELS = (1, 2)

# Twilio's error codes (https://www.twilio.com/docs/api/errors) by the pointer of the error. "" is
# the request as a whole.
_CODES = {
    "": 17500,
    "/transcriptionConfigurationId": 17501,
    "/sourceId": 17502,
    "/participants": 17510,
}
_PARTICIPANT_CODES = {"/audioChannelIndex": 17511, "/type": 17514}  # by the end of the pointer
_DUPLICATE_CHANNEL = "Must not be another participant's channel too."
_DUPLICATE_CHANNEL_CODE = 17513


class StartTime(StorableDateTime):
    """A time in the format of RFC 3339, with its offset; sent in UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not (isinstance(value, str) and _DATE_TIME.fullmatch(value)):
            raise ValidationError("Must be a time like 2026-04-02T19:25:20Z.")

        return super()._deserialize(value, attr, data, **kwargs)

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        if value is None:
            return None

        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


class MediaUrl(Text):
    """The URL of an audio file."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            url = urlsplit(text)
            is_valid = url.scheme in {"http", "https"} and url.hostname and url.port != 0
        except ValueError:
            is_valid = False
        if not is_valid or not text.isprintable() or " " in text:
            raise ValidationError("Must be an absolute URL, usually https://.")

        return text


class _Strict(Schema):
    """A part of the request, without unknown members: Twilio rejects them too."""

    class Meta:
        """Reject unknown members."""

        unknown = RAISE

    error_messages = {"unknown": "There is no such property."}  # noqa: RUF012 - marshmallow's own

    @post_dump
    def _omit_nulls(self, members: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return the members without nulls, which Twilio's SDK doesn't send either."""
        return {name: value for name, value in members.items() if value is not None}


class Participant(_Strict):
    """A participant: who speaks on one channel of the audio."""

    audio_channel_index = fields.Integer(
        data_key="audioChannelIndex",
        required=True,
        strict=True,
        validate=validate.OneOf(CHANNELS, error="Must be 1 or 2: the number of the channel."),
    )
    type = fields.String(
        allow_none=True,
        validate=validate.OneOf(TYPES),
        metadata={"description": "Who the participant is."},
    )
    address = Text(allow_none=True)
    name = Text(allow_none=True, metadata={"description": "The participant's name."})


class Submission(_Strict):
    """The request. It must have either `sourceId` or `mediaUrl`."""

    configuration_id = fields.String(
        data_key="transcriptionConfigurationId",
        required=True,
        validate=validate.Regexp(
            r"voice_transcriptionconfiguration_[0-9a-z]{26}\Z",
            error="Must be the id of a Transcription Configuration.",
        ),
    )
    input_source = fields.String(
        data_key="inputSource",
        allow_none=True,
        validate=validate.Regexp(r"[A-Za-z_]{1,64}\Z"),
        metadata={"description": "Twilio's SDK has this member; its values are not documented."},
    )
    source_id = fields.String(
        data_key="sourceId",
        allow_none=True,
        # The SDK also mentions a TTID, Twilio's newer form of an id.
        validate=validate.Regexp(
            r"(RE[0-9a-f]{32}|[a-z]+(_[a-z]+)+_[0-9A-Za-z]{26})\Z",
            error="Must be a Recording SID: RE and 32 hexadecimal digits in lower case.",
        ),
    )
    media_url = MediaUrl(data_key="mediaUrl", allow_none=True)
    audio_started_at = StartTime(data_key="audioStartedAt", allow_none=True)
    participants = fields.List(
        fields.Nested(Participant),
        allow_none=True,
        validate=validate.Length(max=len(CHANNELS), error="Must be at most two."),
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _has_one_source(self, _data: Any, given: Any, **_: Any) -> None:
        if not isinstance(given, Mapping):
            return  # marshmallow has reported this already
        sources = [name for name in ("sourceId", "mediaUrl") if given.get(name) is not None]
        if not sources:
            raise ValidationError("Either sourceId or mediaUrl must be given.")
        if len(sources) > 1:
            raise ValidationError("Must not be given together with sourceId.", "mediaUrl")

    @validates_schema
    def _has_distinct_channels(self, data: Mapping[str, Any], **_: Any) -> None:
        channels = [each["audio_channel_index"] for each in data.get("participants") or ()]
        if len(set(channels)) < len(channels):
            raise ValidationError(
                {"participants": {1: {"audioChannelIndex": [_DUPLICATE_CHANNEL]}}}
            )


def canonical(submission: Mapping[str, Any]) -> str:
    """Return the canonical JSON text of a loaded submission: equal submissions have equal texts."""
    return json.dumps(Submission().dump(submission), sort_keys=True, separators=(",", ":"))


def to_faults(error: ValidationError) -> list[dict[str, str]]:
    """Return `{"detail": …, "pointer": …}` for each error, with a JSON Pointer (RFC 6901)."""
    return [{"detail": text, "pointer": pointer} for pointer, text in _faults(error.messages, "")]


def escape_member(name: str) -> str:
    """Return a member's name as a part of a JSON Pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def format_faults(faults: Iterable[Mapping[str, Any]]) -> str:
    """Return the faults as one line of text, without the empty pointer of the whole request."""
    return " ".join(
        ": ".join(filter(None, (fault.get("pointer"), fault.get("detail")))) for fault in faults
    )


def twilio_code(faults: Iterable[Mapping[str, str]]) -> int | None:
    """Return the first code that Twilio has for one of the faults, None if it has none."""
    return next(filter(None, map(_code, faults)), None)


def _code(fault: Mapping[str, str]) -> int | None:
    if fault["detail"] == _DUPLICATE_CHANNEL:
        return _DUPLICATE_CHANNEL_CODE
    pointer = fault["pointer"]
    participant, slash, member = pointer.rpartition("/")
    if participant.startswith("/participants/"):
        return _PARTICIPANT_CODES.get(slash + member)

    return _CODES.get(pointer)


def _faults(messages: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for member, inner in messages.items():
            name = escape_member(str(member))
            yield from _faults(inner, pointer if member == "_schema" else f"{pointer}/{name}")
    else:
        for text in messages if isinstance(messages, list) else [messages]:
            yield pointer, str(text)
