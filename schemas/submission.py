"""A job to be submitted: Twilio's own request body, and the rules that Twilio has for it.

The rules are those of Twilio's Batch Transcription resource. What only Twilio can know (whether the
recording is there, whether the configuration is) is left to it.
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

from schemas.storable import Moment, Text

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)

TYPES = ("CUSTOMER", "HUMAN_AGENT", "AI_AGENT")
CHANNELS = (1, 2)

# Twilio's codes for what it refuses (https://www.twilio.com/docs/api/errors), by what is wrong: the
# pointer, or its end. "" is the request as a whole.
_CODES = {
    "": 17500,
    "/transcriptionConfigurationId": 17501,
    "/sourceId": 17502,
    "/participants": 17510,
}
_CODES_OF_A_PARTICIPANT = {"/audioChannelIndex": 17511, "/type": 17514}
_TWICE = "Must not be another participant's channel too."
_CODE_OF_TWICE = 17513


class Started(Moment):
    """A point in time as RFC 3339 writes it, with its offset; sent in UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not (isinstance(value, str) and _DATE_TIME.fullmatch(value)):
            raise ValidationError("Must be a time like 2026-04-02T19:25:20Z.")

        return super()._deserialize(value, attr, data, **kwargs)

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        if value is None:
            return None

        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


class MediaUrl(Text):
    """The address of an audio file."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            url = urlsplit(text)
            sound = url.scheme in {"http", "https"} and url.hostname and url.port != 0
        except ValueError:
            sound = False
        if not sound or not text.isprintable() or " " in text:
            raise ValidationError("Must be an absolute URL, https:// as a rule.")

        return text


class _Inbound(Schema):
    """A part of the request. Twilio refuses members that it doesn't know, and so do we."""

    class Meta:
        """Refuse unknown members."""

        unknown = RAISE

    @post_dump
    def _leave_out(self, members: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Send no nulls, as Twilio's SDK sends none."""
        return {name: value for name, value in members.items() if value is not None}


class Participant(_Inbound):
    """Who is on one of the audio's channels."""

    audio_channel_index = fields.Integer(
        data_key="audioChannelIndex",
        required=True,
        strict=True,
        validate=validate.OneOf(CHANNELS, error="Must be 1 or 2."),
    )
    type = fields.String(allow_none=True, validate=validate.OneOf(TYPES))
    address = Text(allow_none=True)
    name = Text(allow_none=True)


class Submission(_Inbound):
    """The request. Exactly one of `sourceId` and `mediaUrl` is to be given."""

    configuration_id = fields.String(
        data_key="transcriptionConfigurationId",
        required=True,
        validate=validate.Regexp(
            r"voice_transcriptionconfiguration_[0-9a-z]{26}\Z",
            error="Must be the id of a Transcription Configuration.",
        ),
    )
    # The SDK has it too; nothing says which values it takes.
    input_source = fields.String(
        data_key="inputSource", allow_none=True, validate=validate.Regexp(r"[A-Za-z_]{1,64}\Z")
    )
    source_id = fields.String(
        data_key="sourceId",
        allow_none=True,
        # The SDK speaks of a TTID too, Twilio's newer form of an id.
        validate=validate.Regexp(
            r"(RE[0-9a-f]{32}|[a-z]+(_[a-z]+)+_[0-9A-Za-z]{26})\Z",
            error="Must be a Recording SID: RE and 32 hexadecimal digits in lower case.",
        ),
    )
    media_url = MediaUrl(data_key="mediaUrl", allow_none=True)
    audio_started_at = Started(data_key="audioStartedAt", allow_none=True)
    participants = fields.List(
        fields.Nested(Participant),
        allow_none=True,
        validate=validate.Length(max=len(CHANNELS), error="Must be two at most."),
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _has_one_source(self, _data: Any, given: Any, **_: Any) -> None:
        if not isinstance(given, Mapping):
            return  # as was told already
        sources = [name for name in ("sourceId", "mediaUrl") if given.get(name) is not None]
        if not sources:
            raise ValidationError("Either sourceId or mediaUrl must be given.")
        if len(sources) > 1:
            raise ValidationError("Must not be given beside sourceId.", "mediaUrl")

    @validates_schema
    def _has_one_participant_on_a_channel(self, data: Mapping[str, Any], **_: Any) -> None:
        channels = [each["audio_channel_index"] for each in data.get("participants") or ()]
        if len(set(channels)) < len(channels):
            raise ValidationError({"participants": {1: {"audioChannelIndex": [_TWICE]}}})


def canonical(submission: Mapping[str, Any]) -> str:
    """Return the JSON text of a loaded submission: one text for all ways to write the same."""
    return json.dumps(Submission().dump(submission), sort_keys=True, separators=(",", ":"))


def faults_of(error: ValidationError) -> list[dict[str, str]]:
    """Return `{"detail": …, "pointer": …}` for each fault, with a JSON Pointer (RFC 6901)."""
    return [{"detail": text, "pointer": pointer} for pointer, text in _faults(error.messages, "")]


def line_of(faults: Iterable[Mapping[str, Any]]) -> str:
    """Return the faults in one line; the request as a whole has no pointer that would help."""
    return " ".join(
        ": ".join(filter(None, (fault.get("pointer"), fault.get("detail")))) for fault in faults
    )


def code_of(faults: Iterable[Mapping[str, str]]) -> int | None:
    """Return Twilio's code for the first fault that has one of its own."""
    return next(filter(None, map(_code, faults)), None)


def _code(fault: Mapping[str, str]) -> int | None:
    if fault["detail"] == _TWICE:
        return _CODE_OF_TWICE
    pointer = fault["pointer"]
    participant, slash, member = pointer.rpartition("/")
    if participant.startswith("/participants/"):
        return _CODES_OF_A_PARTICIPANT.get(slash + member)

    return _CODES.get(pointer)


def _faults(messages: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for member, inner in messages.items():
            name = str(member).replace("~", "~0").replace("/", "~1")
            yield from _faults(inner, pointer if member == "_schema" else f"{pointer}/{name}")
    else:
        for text in messages if isinstance(messages, list) else [messages]:
            yield pointer, str(text)
